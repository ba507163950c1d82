// Runs the @nestjs/swagger compiler plugin under ts-jest, so that tests see the same OpenAPI document as the build.
const swagger = require('@nestjs/swagger/plugin');

module.exports = {
  name: 'rovercast-swagger',
  version: 1,
  factory: (compiler) =>
    swagger.before(
      { introspectComments: true, classValidatorShim: true, dtoFileNameSuffix: ['.dto.ts'] },
      compiler.program,
    ),
};
