const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads a UUID in the four forms that google/uuid takes; throws in its words for anything else. */
export function parseUuid(text: string): string {
  const plain = unwrap(text).toLowerCase();
  if (!CANONICAL.test(plain)) throw new Error('invalid UUID format');
  return plain;
}

function unwrap(text: string): string {
  switch (text.length) {
    case 36:
      return text;
    case 32:
      return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    case 38:
      return text.slice(1, -1);
    case 45:
      if (!/^urn:uuid:/i.test(text))
        throw new Error(`invalid urn prefix: ${JSON.stringify(text.slice(0, 9))}`);
      return text.slice(9);
    default:
      throw new Error(`invalid UUID length: ${text.length}`);
  }
}
