/** Which tracks an `onMetaData` message announces; a missing message announces both. */
export function announcedTracks(metadata: Buffer): { audio: boolean; video: boolean } {
  return { audio: metadata.includes('audiocodecid'), video: metadata.includes('videocodecid') };
}
