import { goTime } from '../go-json.rules';
import type { FlvServer } from '../flv/flv.server';
import type { HlsServer } from '../hls/hls.server';
import type { Hub } from '../hub/hub';
import type { RtmpServer } from '../rtmp/rtmp.server';
import type { RtspServer } from '../rtsp/rtsp.server';
import {
  hlsMuxerItem,
  hlsSessionItem,
  pathItem,
  rtmpItem,
  type RtmpLike,
  rtspConnItem,
  rtspSessionItem,
} from './items';
import type { ConfigRoutes } from './config.routes';
import { idRoutes, listRoute, nameRoute } from './list.routes';
import type { Route } from './routes';

const VERSION = 'v1.20.1';

/** Whose state the API shows. */
export interface ApiSubjects {
  hub: Hub;
  rtmp: RtmpServer;
  rtsp: RtspServer;
  hls: HlsServer;
  flv: FlvServer | undefined;
  config: ConfigRoutes;
  globalConfig: object;
}

/** Every v3 route that the stand-in serves. */
export function apiRoutes({ hub, rtmp, rtsp, hls, flv, config, globalConfig }: ApiSubjects): Route[] {
  const started = goTime(new Date());
  return [
    { method: 'GET', path: '/v3/info', run: () => ({ version: VERSION, started }) },
    { method: 'GET', path: '/v3/config/global/get', run: () => globalConfig },
    ...config.routes(),
    listRoute({ path: '/v3/paths', all: () => hub.list(), item: pathItem }),
    nameRoute('/v3/paths', (name) => hub.get(name), pathItem, 'path not found'),
    ...idRoutes({
      path: '/v3/rtspconns',
      all: () => [...rtsp.connections.values()],
      item: rtspConnItem,
      missing: 'connection not found',
    }),
    ...idRoutes({
      path: '/v3/rtspsessions',
      all: () => rtsp.sessions(),
      item: rtspSessionItem,
      missing: 'session not found',
      kick: (session) => session.close('kicked'),
    }),
    ...idRoutes({
      path: '/v3/rtmpconns',
      all: (): RtmpLike[] => [...rtmp.connections.values(), ...(flv?.connections.values() ?? [])],
      item: rtmpItem,
      missing: 'connection not found',
      kick: (connection) => connection.close('kicked'),
    }),
    ...idRoutes({
      path: '/v3/hlssessions',
      all: () => [...hls.sessions.values()],
      item: hlsSessionItem,
      missing: 'session not found',
      kick: (session) => session.close(),
    }),
    listRoute({ path: '/v3/hlsmuxers', all: () => [...hls.muxers.values()], item: hlsMuxerItem }),
    nameRoute('/v3/hlsmuxers', (name) => hls.muxers.get(name), hlsMuxerItem, 'muxer not found'),
  ];
}
