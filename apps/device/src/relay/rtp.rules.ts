/** Payload type of the H.264 stream in our SDP. */
export const H264_PAYLOAD_TYPE = 96;

/** Whether a datagram is RTP with our payload type (RFC 3550, 5.1): version 2, header and at least a byte. */
export function isOurRtp(datagram: Uint8Array): boolean {
  if (datagram.length < 13 || datagram[0] >> 6 !== 2) return false;
  return (datagram[1] & 0x7f) === H264_PAYLOAD_TYPE;
}

/**
 * How a robot that was heard from an address sends (RFC 8866; RFC 6184 for H.264; RFC 4570 for the filter: nobody else is
 * listened to while it streams).
 */
export function sdpFor({ port, from }: { port: number; from: string }): string {
  const lines = [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=rovercast relay',
    'c=IN IP4 0.0.0.0',
    't=0 0',
    `a=source-filter: incl IN IP4 * ${from}`,
    `m=video ${port} RTP/AVP ${H264_PAYLOAD_TYPE}`,
    `a=rtpmap:${H264_PAYLOAD_TYPE} H264/90000`,
    `a=fmtp:${H264_PAYLOAD_TYPE} packetization-mode=1`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** FFmpeg's arguments: RTP in, the same H.264 out over RTSP/TCP. An array for `spawn`, never a shell's text. */
export function relayArguments(sdpFile: string, target: string): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'warning', '-nostats', '-progress', 'pipe:1'],
    ...['-protocol_whitelist', 'file,udp,rtp', '-fflags', '+nobuffer', '-analyzeduration', '2000000'],
    ...['-f', 'sdp', '-i', sdpFile],
    ...['-map', '0:v:0', '-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'tcp', target],
  ];
}
