export { MediaApiError } from './media-api.error';
export { kindOfEndpoint } from './media-api.rules';
export {
  type MediaPath,
  type MediaPathConfig,
  type MediaSession,
  type MediaSnapshot,
  type NodeIncarnation,
  SESSION_KINDS,
  type SessionKind,
} from './media-api.types';
export { MediaMtxClient } from './mediamtx.client';
