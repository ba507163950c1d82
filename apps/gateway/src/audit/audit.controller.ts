import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../session/caller';
import { AuditPage, AuditQuery, Explanation, ExplainQuery } from './audit.dto';
import { AuditService } from './audit.service';

@ApiTags('audit')
@ApiBearerAuth()
@Controller('v1')
export class AuditController {
  constructor(private readonly service: AuditService) {}

  /** Who did what, newest first. For admins. */
  @Get('audit')
  @ApiOkResponse({ type: AuditPage })
  list(@CurrentCaller() caller: Caller, @Query() query: AuditQuery): Promise<AuditPage> {
    return this.service.list(caller, query);
  }

  /** Why a user may or may not do something: the rule that decides. For admins, and about oneself. */
  @Get('access/explain')
  @ApiOkResponse({ type: Explanation })
  explain(@CurrentCaller() caller: Caller, @Query() query: ExplainQuery): Promise<Explanation> {
    return this.service.explain(caller, query);
  }
}
