import { AccessGate } from './auth/access.gate';
import { HookClient } from './auth/hook.client';
import { ApiServer } from './api/api.server';
import { ConfigRoutes } from './api/config.routes';
import { globalConf } from './api/global-conf';
import { apiRoutes } from './api/api.routes';
import type { Context } from './context';
import { FlvServer } from './flv/flv.server';
import { HlsServer } from './hls/hls.server';
import { Hub } from './hub/hub';
import { PathConfigs } from './hub/path-config';
import type { Standin, StandinOptions } from './options';
import { RtmpServer } from './rtmp/rtmp.server';
import { RtspPull } from './rtsp/rtsp-pull';
import { RtspServer } from './rtsp/rtsp.server';

/** Starts a media server that relays real media and answers like MediaMTX v1.20.1; development and tests only. */
export async function startStandin(options: StandinOptions): Promise<Standin> {
  const readTimeoutMs = options.readTimeoutMs ?? 10_000;
  const configs = new PathConfigs(options.holdReaders);
  const hub = new Hub(configs);
  const hook = new HookClient(options.authUrl, readTimeoutMs);
  const gate = new AccessGate(hook, (path) => void configs.find(path), options.denyDelayMs ?? 0);
  const context: Context = {
    host: options.host,
    gate,
    hub,
    readTimeoutMs,
    log: options.log ?? (() => undefined),
  };

  const rtmp = new RtmpServer(context);
  const rtsp = new RtspServer(context);
  const hls = new HlsServer(context, options.ffmpegPath);
  const flv = options.flvPort === undefined ? undefined : new FlvServer(context);
  hub.usePulls((source, target) => new RtspPull(source, readTimeoutMs, target));
  const config = new ConfigRoutes(hub, configs, options.holdReaders);
  const globalConfig = globalConf(options.authUrl, readTimeoutMs);
  const api = new ApiServer(context, apiRoutes({ hub, rtmp, rtsp, hls, flv, config, globalConfig }));
  const servers = [api, rtmp, rtsp, hls, ...(flv ? [flv] : [])];
  const close = async (): Promise<void> => {
    hub.close();
    await Promise.all(servers.map((server) => server.close()));
  };
  const listening = await Promise.allSettled([
    rtmp.listen(options.rtmpPort),
    rtsp.listen(options.rtspPort),
    hls.listen(options.hlsPort),
    api.listen(options.apiPort),
    flv?.listen(options.flvPort ?? 0),
  ]);
  const failed = listening.find((one) => one.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  const [rtmpPort, rtspPort, hlsPort, apiPort, flvPort] = listening.map((one) =>
    one.status === 'fulfilled' ? one.value : undefined,
  );
  const at = (scheme: string, port: number | undefined): string => `${scheme}://${options.host}:${port}`;
  return {
    urls: {
      apiUrl: at('http', apiPort),
      rtmpUrl: at('rtmp', rtmpPort),
      rtspUrl: at('rtsp', rtspPort),
      hlsUrl: at('http', hlsPort),
      flvUrl: flvPort === undefined ? null : at('http', flvPort),
    },
    close,
  };
}
