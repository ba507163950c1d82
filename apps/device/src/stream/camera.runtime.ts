import { causeOf, detailOf } from '../encoder/cause.rules';
import type { Encoder, EncoderExit } from '../encoder/encoder.process';
import type { EncoderService } from '../encoder/encoder.service';
import { publishTarget, publishTargetFor, type Target } from '../encoder/pipeline.rules';
import type { Camera } from '../settings/cameras.rules';
import {
  initialCamera,
  type Answer,
  type CameraEffect,
  type CameraEvent,
  type CameraState,
  type Destination,
  type Pipeline,
} from './camera.state.rules';
import { nextWakeMs, step } from './stream.machine';
import { assertNever, type EncoderStats, type StreamProfile } from '@rovercast/contracts';

/** An event without its time, which the runtime adds. */
export type Happening = CameraEvent extends infer E
  ? E extends { nowMs: number }
    ? Omit<E, 'nowMs'>
    : never
  : never;

interface RuntimeListeners {
  report(): void;
  askSync(version: number): void;
  /** The encoder ended without being told to. */
  failure(detail: { cause: string; detail?: string }): void;
}

/** What became of an order to start: a process, or one that was called off while its command was still being made. */
interface Slot {
  run: number;
  process?: Encoder;
  calledOff: boolean;
}

/** One camera at work: feeds the machine with what happens and does what it says. */
export class CameraRuntime {
  private current: CameraState;
  private slot: Slot | undefined;
  private timer: NodeJS.Timeout | undefined;
  private replaced: { run: number; atMs: number } | undefined;
  /**
   * Without a picture at the last change of profile or session, in milliseconds: from the word to stop the old encoder to the
   * first frame of the new one.
   */
  lastGapMs: number | undefined;

  constructor(
    readonly camera: Camera,
    profile: StreamProfile,
    private readonly encoders: EncoderService,
    private readonly on: RuntimeListeners,
  ) {
    this.current = initialCamera(profile);
  }

  get state(): CameraState {
    return this.current;
  }

  get stats(): EncoderStats | undefined {
    return this.slot?.process?.stats;
  }

  /** Whether an encoder process exists. */
  get running(): boolean {
    return this.slot?.process !== undefined;
  }

  get pid(): number | undefined {
    return this.slot?.process?.pid;
  }

  /** Takes one event; the answer is the machine's, where the event was an order. */
  tell(happening: Happening): Answer | undefined {
    const nowMs = performance.now();
    const [next, effects] = step(this.current, { ...happening, nowMs });
    this.current = next;
    let answer: Answer | undefined;
    for (const effect of effects) {
      if (effect.type === 'answer') answer = effect.answer;
      else this.perform(effect);
    }
    this.arm(nowMs);
    return answer;
  }

  /** Ends the encoder and every timer; resolves when no process is left. */
  async shutdown(): Promise<void> {
    this.tell({ type: 'shutdown' });
    while (this.slot) await new Promise((resolve) => setTimeout(resolve, 20));
    clearTimeout(this.timer);
  }

  private perform(effect: Exclude<CameraEffect, { type: 'answer' }>): void {
    switch (effect.type) {
      case 'start':
        void this.start(effect.run, effect.pipeline);
        return;
      case 'stop':
        this.stop(effect.run);
        return;
      case 'report':
        this.on.report();
        return;
      case 'askSync':
        this.on.askSync(effect.version);
        return;
      default:
        assertNever(effect);
    }
  }

  private async start(run: number, pipeline: Pipeline): Promise<void> {
    const slot: Slot = { run, calledOff: false };
    this.slot = slot;
    try {
      const target = toTarget(pipeline.ingest);
      const command = await this.encoders.commandFor(this.camera, pipeline.profile, target);
      if (slot.calledOff) return;
      slot.process = this.encoders.start(command, {
        live: () => this.live(run),
        exit: (exit) => this.gone(slot, exit),
      });
    } catch (error) {
      // A microtask later, so that the machine never sees the end of a start within that start.
      await Promise.resolve();
      this.gone(slot, { exitCode: null, stalled: false, lines: [(error as Error).message] });
    }
  }

  private live(run: number): void {
    if (this.replaced && run > this.replaced.run) {
      this.lastGapMs = Math.round(performance.now() - this.replaced.atMs);
      this.replaced = undefined;
    }
    this.tell({ type: 'live', run });
  }

  private stop(run: number): void {
    const { slot } = this;
    if (slot?.run !== run) return;
    this.replaced = this.current.wanted ? { run, atMs: performance.now() } : undefined;
    slot.calledOff = true;
    if (slot.process) slot.process.stop();
    else setImmediate(() => this.gone(slot, { exitCode: 0, stalled: false, lines: [] }));
  }

  private gone(slot: Slot, exit: EncoderExit): void {
    if (this.slot !== slot) return;
    this.slot = undefined;
    const cause = causeOf({ lines: exit.lines, stalled: exit.stalled, source: this.camera.source });
    const detail = detailOf(exit.lines);
    if (!slot.calledOff) this.on.failure({ cause, detail });
    this.tell({ type: 'exited', run: slot.run, cause, detail, random: Math.random() });
  }

  /**
   * By the time that the machine was told, not a later one: what falls due between the two would be neither handled by the one
   * nor waited for by the other, and a lease would never end.
   */
  private arm(nowMs: number): void {
    clearTimeout(this.timer);
    const wakeMs = nextWakeMs(this.current, nowMs);
    if (wakeMs === undefined) return;
    this.timer = setTimeout(
      () => this.tell({ type: 'timer' }),
      Math.max(1, Math.ceil(wakeMs - performance.now())),
    );
  }
}

const toTarget = (ingest: Destination): Target =>
  'login' in ingest ? publishTargetFor(ingest, ingest.login) : publishTarget(ingest);
