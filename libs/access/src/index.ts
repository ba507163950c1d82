export {
  decide,
  explain,
  type AccessAction,
  type AccessReason,
  type AccessRequest,
  type Decision,
  type Explanation,
  type Grant,
  type Principal,
} from './access.rules';
export { isInAddressRanges } from './address.rules';
export { isStreamKey, looksLikeToken } from './credential-form.rules';
export { PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, PasswordPool, PasswordPoolFull } from './passwords';
export { isValidPattern, matchesPath } from './pattern.rules';
export { Regulation, type Admittance } from './regulation';
export {
  brokerVerifier,
  deriveKeys,
  equalSecrets,
  hashSecret,
  newSecret,
  open,
  seal,
  type DerivedKeys,
} from './secrets';
export { pathDigest, Tokens, type AccessClaims, type Ticket, type TicketClaims } from './tickets';
