export { audit } from './audit';
export { badField } from './failures';
export { Robots, type NewRobot, type Robot, type RobotChange } from './robots';
export { Users, type Account, type NewGrant, type NewUser, type User } from './users';
