import type { GatewaySettings } from '../gateway.settings';
import { SourceCheck } from './source.check';
import { SourceResolver } from './source.resolver';

const resolving = (addresses: string[] | undefined): SourceResolver => ({
  addresses: () => Promise.resolve(addresses),
});

const check = (addresses: string[] | undefined, cameraPrivateSources = false) =>
  new SourceCheck({ cameraPrivateSources } as GatewaySettings, resolving(addresses)).allowed(
    'rtsp://user:secret@vms.example.org/7',
  );

it('lets a public source through, and knows how to show it', async () => {
  expect(await check(['93.184.216.34', '2606:2800:220:1::1'])).toEqual({
    url: 'rtsp://user:secret@vms.example.org/7',
    shown: 'rtsp://user:***@vms.example.org/7',
  });
});

it.each([
  ['one address is private', ['93.184.216.34', '10.0.0.1'], /private/],
  ['one address is a loopback in disguise', ['::ffff:127.0.0.1'], /private/],
  ['it is the metadata service', ['169.254.169.254'], /never/],
  ['it cannot be found', undefined, /found/],
])('refuses when %s, without repeating the URL', async (_, addresses, message) => {
  const refusal = check(addresses);
  await expect(refusal).rejects.toMatchObject({ code: 'INVALID_INPUT', fields: [{ field: 'source' }] });
  await expect(refusal).rejects.toThrow(message);
  await expect(refusal).rejects.not.toThrow(/secret|vms/);
});

it('takes private and unknown hosts where they are allowed, and the metadata service nowhere', async () => {
  expect(await check(['10.0.0.1'], true)).toBeDefined();
  expect(await check(undefined, true)).toBeDefined();
  await expect(check(['169.254.169.254'], true)).rejects.toThrow(/never/);
});

it.each(['127.0.0.1', '::1', '127.1', '2130706433', '0x7f.1', 'localhost'])(
  'resolves %s to the loopback it is',
  async (host) => {
    const addresses = await new SourceResolver().addresses(host);
    // Not every machine reads the odd forms; then there is no address, which is refused as well.
    for (const address of addresses ?? []) expect(address).toMatch(/^(127\.0\.0\.1|::1)$/);
  },
);
