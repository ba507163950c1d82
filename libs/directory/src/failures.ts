import { DomainError } from '@rovercast/contracts';

/** A refusal that names one field. */
export function badField(field: string, message: string): DomainError {
  return new DomainError('INVALID_INPUT', message, { fields: [{ field, message }] });
}

/** The constraint that Postgres says a row breaks (SQLSTATE class 23), or undefined for any other failure. */
export function brokenConstraint(error: unknown): string | undefined {
  return (error as { driverError?: { constraint?: string } }).driverError?.constraint;
}

/** Whether Postgres refused a row because there is one like it (SQLSTATE 23505). */
export function isUniqueViolation(error: unknown): boolean {
  const { code, driverError } = error as { code?: string; driverError?: { code?: string } };
  return code === '23505' || driverError?.code === '23505';
}
