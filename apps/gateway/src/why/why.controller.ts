import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { uuidParameter } from '../page';
import { CurrentCaller, type Caller } from '../session/caller';
import { PathQuery, QuotaWhy, StreamWhy } from './why.dto';
import { WhyService } from './why.service';

/** The system explains itself. */
@ApiTags('quotas')
@ApiBearerAuth()
@Controller('v1')
export class WhyController {
  constructor(private readonly why: WhyService) {}

  /** Why a stream is as it is: its group and limits, its slot, who watches, what was decided last, what would make room. */
  @Get('streams/:id/why')
  @ApiOkResponse({ type: StreamWhy })
  ofStream(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
  ): Promise<StreamWhy> {
    return this.why.ofStream(caller, id);
  }

  /** Why a path would get a slot now or not: its group, how full it is, and who has the slots, as far as you may know. */
  @Get('quotas/why')
  @ApiOkResponse({ type: QuotaWhy })
  ofPath(@CurrentCaller() caller: Caller, @Query() { path }: PathQuery): Promise<QuotaWhy> {
    return this.why.ofPath(caller, path);
  }
}
