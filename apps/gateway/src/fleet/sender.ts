import { parseTopic } from '@rovercast/contracts';
import type { RobotMessage } from '@rovercast/mqtt';

/** The robot that sent a message, from the topic: the broker let nobody else publish there. */
export function senderOf({ topic }: Pick<RobotMessage, 'topic'>): string {
  return (parseTopic(topic) as { robotId: string }).robotId;
}
