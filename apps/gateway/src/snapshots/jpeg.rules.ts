/** Largest picture that is taken in, in bytes. */
export const JPEG_MAX_BYTES = 524_288;

const SOI = [0xff, 0xd8, 0xff];
const EOI = [0xff, 0xd9];

/** Whether bytes look like one whole JPEG: start and end marker (ITU-T T.81, B.1.1.3); what is between is the viewer's affair. */
export function isJpeg(bytes: Uint8Array): boolean {
  if (bytes.length < 125) return false;
  return (
    SOI.every((byte, index) => bytes[index] === byte) &&
    EOI.every((byte, index) => bytes[bytes.length - 2 + index] === byte)
  );
}
