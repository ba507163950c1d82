export { createDataSource, migrate, MIGRATIONS } from './data-source';
export { DatabaseModule } from './database.module';
export * from './access.entities';
export * from './entities';
export { PostgresListener } from './listener';
