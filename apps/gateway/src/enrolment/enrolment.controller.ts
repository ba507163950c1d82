import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '@rovercast/platform';
import { CurrentCaller, type Caller, type CallerRequest } from '../session/caller';
import { DeliveredKey, EnrolledRobot, EnrolmentView, EnrollRequest } from './enrolment.dto';
import { EnrolmentService } from './enrolment.service';

@ApiTags('robots')
@Controller('v1')
export class EnrolmentController {
  constructor(private readonly enrolment: EnrolmentService) {}

  /** A new one-time code for a robot, good for ten minutes; the one before ends. */
  @Post('robots/:id/enrolment')
  @ApiBearerAuth()
  @ApiCreatedResponse({ type: EnrolmentView })
  newCode(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<EnrolmentView> {
    return this.enrolment.newCode(caller, id);
  }

  /** What a robot needs to come up, for its one-time code. Older keys of the robot end. No login. */
  @Post('enroll')
  @Public()
  @HttpCode(200)
  @ApiOkResponse({ type: EnrolledRobot })
  enroll(@Body() { code }: EnrollRequest, @Req() request: CallerRequest): Promise<EnrolledRobot> {
    return this.enrolment.enroll(code, request.ip);
  }

  /** Send the robot a new key; needs a broker that speaks TLS. The older keys work ten minutes longer. */
  @Post('robots/:id/key-delivery')
  @HttpCode(200)
  @ApiBearerAuth()
  @ApiOkResponse({ type: DeliveredKey })
  deliverKey(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<DeliveredKey> {
    return this.enrolment.deliver(caller, id);
  }
}
