import { IsNumber, IsUUID, Length, Matches, Max, Min } from 'class-validator';

/** Postgres channel on which the door says that somebody opened a robot's path to watch it. */
export const WAKE_CHANNEL = 'wake_requested';

const ROBOT_PATH = /^robots\/[A-Za-z0-9_-]{1,64}(\/[A-Za-z0-9_-]{1,64})?$/;

/** Somebody whom the door let in waits for the picture of a robot's camera. */
export class WakeRequest {
  /** Becomes the id of the stream that it starts, so that of all gateways that hear it one starts it, once. */
  @IsUUID()
  id: string;

  @Matches(ROBOT_PATH)
  path: string;

  /** Who reads: a user's name, or the subject of a ticket. */
  @Length(1, 256)
  reader: string;

  /** How long ago the door let the reader in, in milliseconds: the request may have waited for its turn. */
  @IsNumber()
  @Min(0)
  @Max(60_000)
  ageMs: number;
}
