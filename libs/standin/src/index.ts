export type { Standin, StandinOptions } from './options';
export { startStandin } from './standin';
