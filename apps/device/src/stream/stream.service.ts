import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import {
  DomainError,
  type CameraTelemetry,
  type ReportedStream,
  type StreamProfile,
  type StreamWish,
} from '@rovercast/contracts';
import { ConfigurationService } from '../configuration/configuration.service';
import { EncoderService } from '../encoder/encoder.service';
import { publishTarget } from '../encoder/pipeline.rules';
import { RobotPublisher } from '../presence/robot.publisher';
import { parseCameras, type Camera } from '../settings/cameras.rules';
import { DeviceSettings } from '../settings/device.settings';
import { legacyIngest } from '../settings/legacy-ingest.rules';
import { AgentMetrics } from './agent.metrics';
import { CameraRuntime } from './camera.runtime';
import { observeClock, remainingLeaseMs, type ClockOffset, type Delivery } from './lease.rules';
import { reportedState, type Answer } from './camera.state.rules';

/** How a wish came: over which topic, and what the packet said. */
export type Arrival = Pick<Delivery, 'carrier' | 'retained' | 'expirySeconds'>;

/** A live stream tells its numbers again after this long. */
const REFRESH_MS = 10_000;
const LAST_WORD_TIMEOUT_MS = 1_000;

const defaultProfile = (settings: DeviceSettings): StreamProfile => ({
  width: settings.defaultProfileWidth,
  height: settings.defaultProfileHeight,
  fps: settings.defaultProfileFps,
  bitrateKbps: settings.defaultProfileBitrateKbps,
});

/** The robot's cameras: takes wishes, and says what became of them. */
@Injectable()
export class StreamService implements OnModuleDestroy {
  private readonly log = new Logger(StreamService.name);
  private readonly runtimes = new Map<string, CameraRuntime>();
  private readonly since = new Map<string, { state: string; atMs: number }>();
  private readonly profile: StreamProfile;
  private refresh: NodeJS.Timeout | undefined;
  private clock: ClockOffset | undefined;
  private closing = false;

  constructor(
    private readonly settings: DeviceSettings,
    private readonly encoders: EncoderService,
    private readonly publisher: RobotPublisher,
    metrics: AgentMetrics,
    private readonly configuration: ConfigurationService,
  ) {
    this.profile = defaultProfile(settings);
    for (const camera of parseCameras(settings.cameras)) {
      const runtime: CameraRuntime = new CameraRuntime(camera, this.profile, encoders, {
        report: () => void this.report(runtime),
        askSync: (version) => void publisher.syncRequest({ v: 1, camera: camera.name, version }),
        failure: ({ cause, detail }) => {
          metrics.restart();
          this.log.warn({ msg: 'encoder ended', camera: camera.name, cause, detail });
        },
      });
      this.runtimes.set(camera.name, runtime);
    }
    metrics.countEncoders(() => this.running);
    this.refreshLater();
  }

  /** Names of the cameras. */
  get cameras(): string[] {
    return [...this.runtimes.keys()];
  }

  /** Encoder processes that exist now. */
  get running(): number {
    return [...this.runtimes.values()].filter((runtime) => runtime.running).length;
  }

  /** The cameras with their sources. */
  get sources(): Camera[] {
    return [...this.runtimes.values()].map(({ camera }) => camera);
  }

  /** @throws DomainError INVALID_INPUT when the robot has no such camera */
  cameraOf(name: string): Camera {
    return this.runtimeOf(name).camera;
  }

  /** Whether an encoder has the camera. */
  isRunning(camera: string): boolean {
    return this.runtimeOf(camera).running;
  }

  isLive(camera: string): boolean {
    return reportedState(this.runtimeOf(camera).state) === 'live';
  }

  /** How each camera is. */
  telemetry(): CameraTelemetry[] {
    return [...this.runtimes.values()].map(({ camera, state, stats, lastGapMs }) => ({
      camera: camera.name,
      state: reportedState(state),
      stats,
      restarts: state.restarts,
      lastGapMs,
    }));
  }

  /** Of the encoder that works for a camera, if any. */
  encoderPid(camera: string): number | undefined {
    return this.runtimes.get(camera)?.pid;
  }

  /**
   * A wish for one camera, and the answer that an order's caller gets.
   * @throws DomainError INVALID_INPUT when this robot can never do it
   */
  wish(wish: StreamWish, arrival: Arrival): Answer | undefined {
    const runtime = this.runtimeOf(wish.camera);
    if (this.closing) throw new DomainError('ROBOT_BUSY', 'the robot is shutting down');
    if (wish.state === 'on') {
      this.encoders.backendFor(runtime.camera);
      if (wish.ingest) publishTarget(wish.ingest);
    }
    const leaseMs = this.leaseOf(wish, arrival);
    const known: StreamWish = {
      ...wish,
      sessionId: wish.sessionId ?? null,
      profile: wish.profile ?? this.profileOf(wish.camera),
    };
    return runtime.tell({ type: 'wish', wish: known, carrier: arrival.carrier, leaseMs });
  }

  /** A bare `start` or `stop`, for the first camera. */
  bare(word: 'start' | 'stop'): void {
    const [runtime] = this.runtimes.values();
    if (this.closing) return;
    if (word === 'stop') return void runtime.tell({ type: 'bareStop' });
    const ingest = legacyIngest(this.settings, runtime.camera.name);
    if (!ingest) throw new DomainError('INVALID_INPUT', 'a bare start needs MEDIA_SERVER');
    runtime.tell({ type: 'bareStart', ingest, profile: this.profileOf(runtime.camera.name) });
  }

  /** Says what every camera does. */
  async reportAll({ timeoutMs }: { timeoutMs?: number } = {}): Promise<void> {
    await Promise.all([...this.runtimes.values()].map((runtime) => this.report(runtime, timeoutMs)));
  }

  /** Ends every encoder, and reports that. */
  async onModuleDestroy(): Promise<void> {
    this.closing = true;
    clearTimeout(this.refresh);
    await Promise.all([...this.runtimes.values()].map((runtime) => runtime.shutdown()));
    await this.reportAll({ timeoutMs: LAST_WORD_TIMEOUT_MS });
  }

  private profileOf(camera: string): StreamProfile {
    return this.configuration.profileOf(camera) ?? this.profile;
  }

  private runtimeOf(camera: string): CameraRuntime {
    const runtime = this.runtimes.get(camera);
    if (runtime) return runtime;
    throw new DomainError('INVALID_INPUT', `camera is none of ${this.cameras.join(', ')}`.slice(0, 300));
  }

  private leaseOf(wish: StreamWish, arrival: Arrival): number | 'unknown' {
    const nowMs = performance.now();
    if (arrival.expirySeconds === undefined && !arrival.retained) {
      this.clock = observeClock(this.clock, wish.issuedAt, nowMs);
    }
    const delivery: Delivery = { ...arrival, leaseTtlMs: wish.leaseTtlMs, issuedAtMs: wish.issuedAt };
    return remainingLeaseMs(delivery, this.clock, nowMs);
  }

  private refreshLater(): void {
    this.refresh = setTimeout(() => {
      for (const runtime of this.runtimes.values()) {
        if (reportedState(runtime.state) === 'live') void this.report(runtime);
      }
      this.refreshLater();
    }, REFRESH_MS);
    this.refresh.unref();
  }

  private async report(runtime: CameraRuntime, timeoutMs?: number): Promise<void> {
    const { name } = runtime.camera;
    const state = reportedState(runtime.state);
    if (this.since.get(name)?.state !== state) {
      this.since.set(name, { state, atMs: Date.now() });
      const { version, sessionId, cause } = runtime.state;
      this.log.log({ msg: 'stream', camera: name, state, version, session: sessionId, cause });
    }
    await this.publisher.reported(name, this.document(runtime), timeoutMs);
  }

  private document({
    camera,
    state,
    stats,
  }: CameraRuntime): Omit<ReportedStream, 'bootId' | 'connSeq' | 'seq'> {
    const { version, sessionId, cause, detail, restarts, leaseUntilMs, wanted } = state;
    const remainingMs = Math.round(leaseUntilMs - performance.now());
    return {
      v: 1,
      version,
      sessionId,
      state: reportedState(state),
      cause,
      detail,
      since: this.since.get(camera.name)?.atMs ?? Date.now(),
      leaseRemainingMs: wanted && Number.isFinite(remainingMs) ? Math.max(0, remainingMs) : undefined,
      restarts,
      stats,
    };
  }
}
