import { Module, type DynamicModule } from '@nestjs/common';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { Authenticator } from './access/authenticator';
import { DoorController } from './access/door.controller';
import { DoorMetrics } from './access/door.metrics';
import { DoorService } from './access/door.service';
import { PasswordChecks } from './access/password-checks';
import { AdmissionsRepository } from './admissions/admissions.repository';
import { AdmissionsService } from './admissions/admissions.service';
import type { AuthSettings } from './auth.settings';
import { BrokerController } from './broker/broker.controller';
import { BrokerService } from './broker/broker.service';
import { LateDatabaseModule } from './database/late-database.module';
import { KeyRenewals } from './policy/key-renewals';
import { PolicyRepository } from './policy/policy.repository';
import { PolicyService } from './policy/policy.service';
import { SlotGate } from './slots/slot.gate';
import { WakePublisher } from './wake/wake.publisher';
import { WakeService } from './wake/wake.service';

@Module({
  providers: [PolicyRepository, PolicyService],
  exports: [PolicyService],
})
class PolicyModule {}

/** The door: who may publish, watch and connect. */
@Module({})
export class AuthModule {
  static with(settings: AuthSettings): DynamicModule {
    return {
      module: AuthModule,
      imports: [
        settingsModule(settings),
        LateDatabaseModule.with({
          url: settings.databaseUrl,
          applicationName: 'auth',
          poolSize: 4,
          statementTimeoutMs: 2_000,
          migrateOnStart: settings.migrateOnStart,
        }),
        MetricsModule,
        PolicyModule,
        HealthModule.with<[PolicyService]>({
          imports: [PolicyModule],
          inject: [PolicyService],
          checks: (policies) => ({
            policy: () => {
              if (!policies.current()) throw new Error('not loaded yet');
            },
          }),
        }),
      ],
      controllers: [DoorController, BrokerController],
      providers: [
        AdmissionsRepository,
        AdmissionsService,
        Authenticator,
        DoorMetrics,
        DoorService,
        BrokerService,
        KeyRenewals,
        PasswordChecks,
        SlotGate,
        WakePublisher,
        WakeService,
      ],
    };
  }
}
