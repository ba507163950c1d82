export {
  decide,
  type AccessAction,
  type AccessReason,
  type Decision,
  type Grant,
  type Principal,
} from './access.rules';
export { isStreamKey, looksLikeToken } from './credential-form.rules';
export { PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, PasswordPool, PasswordPoolFull } from './passwords';
export { isValidPattern, matchesPath } from './pattern.rules';
export { deriveKeys, equalSecrets, hashSecret, newSecret, open, seal, type DerivedKeys } from './secrets';
export { pathDigest, Tokens, type AccessClaims, type Ticket, type TicketClaims } from './tickets';
