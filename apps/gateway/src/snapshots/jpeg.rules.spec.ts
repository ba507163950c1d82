import { isJpeg } from './jpeg.rules';

const picture = (change: (bytes: Uint8Array) => void = () => undefined): Uint8Array => {
  const bytes = new Uint8Array(400);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  bytes.set([0xff, 0xd9], 398);
  change(bytes);
  return bytes;
};

it('knows a JPEG by its first and last marker', () => {
  expect(isJpeg(picture())).toBe(true);
});

it.each([
  ['nothing', new Uint8Array(0)],
  ['a PNG', picture((bytes) => bytes.set([0x89, 0x50, 0x4e, 0x47]))],
  ['a page', new TextEncoder().encode(`<html>${'x'.repeat(400)}</html>`)],
  ['a picture that was cut off', picture().subarray(0, 300)],
  ['two markers and nothing else', new Uint8Array([0xff, 0xd8, 0xff, 0xff, 0xd9])],
])('is not fooled by %s', (_, bytes) => {
  expect(isJpeg(bytes)).toBe(false);
});
