export * from './errors';
export * from './media-auth';
export * from './names.rules';
export * from './parse';
export * from './robot.dto';
export * from './stream.dto';
export * from './topic-rights.rules';
export * from './topics';
