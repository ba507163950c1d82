import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ParseUUIDPipe } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { IsUUID, ValidateBy, ValidateIf } from 'class-validator';
import { PageQuery } from './paging.dto';

/** A field that may be left out; given as null it is checked like any other value. */
export const IfGiven = (): PropertyDecorator => ValidateIf((_object, value) => value !== undefined);

/** Which part of a list that is ordered by UUIDs to show. */
export class UuidPageQuery extends PageQuery {
  /** `nextCursor` of the page before. */
  @ApiPropertyOptional({ format: 'uuid' })
  @IfGiven()
  @IsUUID()
  declare cursor?: string;
}

/** What every page of a list has. */
export class Paged {
  /** Pass it as `cursor` to get the next page; null on the last one. */
  @ApiProperty({ type: String, nullable: true, example: null })
  nextCursor: string | null;
}

/** RFC 3339 with a zone, of this millennium: what Postgres and JavaScript read alike. */
const TIME = /^2\d{3}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** The text is a time as in RFC 3339. */
export const IsTime = (): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isTime',
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value)),
      },
    },
    { message: '$property must be a time such as 2030-01-01T00:00:00Z' },
  );

/** A path parameter that must be a UUID. @throws DomainError INVALID_INPUT that names it */
export const uuidParameter = (name: string): ParseUUIDPipe =>
  new ParseUUIDPipe({
    exceptionFactory: () => {
      const message = `${name} must be a UUID`;
      return new DomainError('INVALID_INPUT', message, { fields: [{ field: name, message }] });
    },
  });

/**
 * One page out of a list.
 * @param load rows after a cursor, so many at most
 * @param cursorOf where a row stands in the list
 * @param shows which rows the caller may see; all when left out
 */
export async function pageOf<Row>(
  { limit, cursor }: PageQuery,
  load: (page: { limit: number; after: string | null }) => Promise<Row[]>,
  cursorOf: (row: Row) => string,
  shows: (row: Row) => boolean = () => true,
): Promise<{ rows: Row[]; nextCursor: string | null }> {
  const rows: Row[] = [];
  // One more than is shown tells whether there is a next page.
  const batchSize = Math.max(limit + 1, 100);
  for (let after = cursor ?? null; ;) {
    const batch = await load({ limit: batchSize, after });
    for (const row of batch.filter(shows)) {
      if (rows.length === limit) return { rows, nextCursor: cursorOf(rows[limit - 1]) };
      rows.push(row);
    }
    if (batch.length < batchSize) return { rows, nextCursor: null };
    after = cursorOf(batch[batch.length - 1]);
  }
}

/** RFC 3339, or null. */
export const timeOf = (time: Date | null): string | null => time?.toISOString() ?? null;
