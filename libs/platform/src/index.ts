export { HealthModule } from './health.module';
export { createHttpApp, inputPipe } from './http-app';
export { JsonLogger } from './logger';
export { MetricsModule } from './metrics.module';
export { Problem, ProblemFilter, toDomainError } from './problem.filter';
export { Public, PUBLIC } from './public';
export { runProcess, type Running } from './run';
export { scrub } from './scrub.rules';
export {
  AsBoolean,
  AsList,
  AsNumber,
  CommonSettings,
  environmentName,
  parseSettings,
  settingNames,
  SettingsError,
  settingsModule,
  type Environment,
} from './settings';
