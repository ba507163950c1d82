export { isAddressRange } from './address-ranges';
export { audit } from './audit';
export { Enrolment, type EnrolmentCode } from './enrolment';
export { badField } from './failures';
export {
  Cameras,
  cameraPath,
  type Camera,
  type CameraChange,
  type CameraSource,
  type WantedSource,
} from './cameras';
export { Groups, type Group, type GroupChange } from './groups';
export { Grants, type NewGrant, type StoredGrant } from './grants';
export type { Holder } from './holders';
export { findRevocation, requestRevocation, type CutSession, type Revocation } from './revocations';
export { Robots, type NewRobot, type Robot, type RobotChange } from './robots';
export { StreamKeys, type StreamKey } from './stream-keys';
export { RIGHTS_FOR_TICKET, TicketFamilies, type TicketFamily } from './ticket-families';
export { UserGroups, type UserGroup } from './user-groups';
export { Users, type Account, type NewUser, type User, type UserChange } from './users';
