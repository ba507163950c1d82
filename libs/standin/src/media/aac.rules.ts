/** What an AudioSpecificConfig says (ISO/IEC 14496-3, 1.6.2.1). */
export interface AacConfig {
  raw: Buffer;
  objectType: number;
  sampleRate: number;
  channelCount: number;
}

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/** Reads the first two bytes of an AudioSpecificConfig; undefined for a form that we do not relay. */
export function parseAacConfig(raw: Buffer): AacConfig | undefined {
  if (raw.length < 2) return undefined;
  const bits = raw.readUInt16BE(0);
  const objectType = bits >> 11;
  const sampleRate = SAMPLE_RATES[(bits >> 7) & 0xf];
  const channelCount = (bits >> 3) & 0xf;
  if (objectType === 0 || objectType === 31 || !sampleRate || channelCount === 0) return undefined;
  return { raw, objectType, sampleRate, channelCount };
}
