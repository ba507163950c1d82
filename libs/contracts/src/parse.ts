import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { DomainError, type FieldProblem } from './errors';

/** Nothing that we exchange is nested deeper; the validators recurse, and 2,000 nested lists fit into 4 kB. */
const MAX_DEPTH = 16;

/** Whether a value is nested deeper than any message of ours; looked at level by level, so that it cannot overflow itself. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= MAX_DEPTH; depth += 1) {
    level = level.flatMap((item): unknown[] =>
      typeof item === 'object' && item !== null ? Object.values(item) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}

/** The problems of a validated object as a flat list, nested fields joined by dots; values are never echoed. */
export function fieldProblems(errors: ValidationError[], parent = ''): FieldProblem[] {
  return errors.flatMap((error) => {
    const field = parent ? `${parent}.${error.property}` : error.property;
    const own = Object.values(error.constraints ?? {}).map((message) => ({
      field,
      message: parent ? message.replace(error.property, field) : message,
    }));
    return [...own, ...fieldProblems(error.children ?? [], field)];
  });
}

/**
 * Foreign data as an instance of its class: known fields kept, unknown ones dropped, each bad one named.
 * @throws DomainError INVALID_INPUT
 */
export function parseAs<T extends object>(type: new () => T, value: unknown): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DomainError('INVALID_INPUT', 'the message is not a JSON object');
  }
  if (isTooDeep(value)) throw new DomainError('INVALID_INPUT', 'the message is nested too deeply');
  const instance = plainToInstance(type, value, { exposeDefaultValues: true });
  const fields = fieldProblems(validateSync(instance, { whitelist: true, forbidUnknownValues: true }));
  if (fields.length > 0) {
    throw new DomainError('INVALID_INPUT', fields.map((f) => f.message).join('; '), { fields });
  }
  return instance;
}

/**
 * A JSON message off the wire as an instance of its class.
 * @throws DomainError INVALID_INPUT when it is larger than `maxBytes`, no JSON, or breaks the schema
 */
export function parseMessage<T extends object>(type: new () => T, bytes: Uint8Array, maxBytes = 4_096): T {
  if (bytes.byteLength > maxBytes) {
    throw new DomainError('INVALID_INPUT', `the message is larger than ${maxBytes} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new DomainError('INVALID_INPUT', 'the message is not JSON');
  }
  return parseAs(type, value);
}
