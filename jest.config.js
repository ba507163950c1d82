/** Test levels: unit (*.spec.ts beside the code), medium, contract, e2e, fault. One project each. */
const base = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      {
        tsconfig: 'test/jest/tsconfig.json',
        astTransformers: { before: ['test/jest/swagger-transformer.js'] },
      },
    ],
    'node_modules/.+\\.m?js$': '<rootDir>/test/jest/esm-transform.js',
  },
  transformIgnorePatterns: [],
  moduleNameMapper: { '^@rovercast/([^/]+)$': '<rootDir>/libs/$1/src' },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.run'],
};

const level = (name, extra = {}) => ({
  ...base,
  displayName: name,
  testMatch: [`<rootDir>/{apps,libs,scripts,test}/**/*.${name === 'unit' ? 'spec' : name}.ts`],
  ...extra,
});

/** The levels that run real servers beside each other. */
const beyondUnits = { setupFilesAfterEnv: ['<rootDir>/test/jest/retry-in-ci.js'] };

const withPostgres = {
  ...beyondUnits,
  globalSetup: '<rootDir>/test/jest/postgres-setup.ts',
  globalTeardown: '<rootDir>/test/jest/postgres-teardown.ts',
};

module.exports = {
  testTimeout: 20_000,
  projects: [
    level('unit'),
    level('medium', withPostgres),
    level('contract', withPostgres),
    level('e2e', beyondUnits),
    level('fault', withPostgres),
  ],
};
