import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ownerOfPath } from '@rovercast/contracts';
import type { MediaSnapshot } from '@rovercast/mediamtx';
import {
  reconcileSlots,
  SlotStore,
  StaleEpoch,
  takeLead,
  type Lead,
  type NodeLook,
  type PassReport,
  type ReconcilerMemory,
  type SlotAction,
} from '@rovercast/quota';
import { MonitorSettings } from '../monitor.settings';
import { sourcesOf } from './sources.rules';

/** The media server's name; it is one for now. */
const NODE = 'main';

const HOLDER = 'monitor';

type Found = Extract<SlotAction, { do: 'adopt' | 'cut' }>;

/** Holds the slots in Postgres to what the media server shows. One process at a time does: the one that has the lead. */
@Injectable()
export class SlotsService implements OnApplicationShutdown {
  private readonly log = new Logger(SlotsService.name);
  private lead?: Lead;
  private memory?: ReconcilerMemory;
  private latest?: PassReport;

  constructor(
    private readonly slots: SlotStore,
    private readonly settings: MonitorSettings,
  ) {}

  /** What the last pass found; undefined while another process leads. */
  report(): PassReport | undefined {
    return this.lead?.held() ? this.latest : undefined;
  }

  leads(): boolean {
    return this.lead?.held() ?? false;
  }

  /** The database's clock, to be asked before a look begins, in epoch milliseconds. */
  clock(): Promise<number> {
    return this.slots.clock();
  }

  /** Takes in one complete look that began at `startedAt` by the database's clock. */
  async takeIn(snapshot: MediaSnapshot, startedAt: number): Promise<void> {
    const lead = await this.takeLead();
    if (!lead) return;
    try {
      await this.pass(lead.epoch, lookOf(snapshot, startedAt));
    } catch (error) {
      if (!(error instanceof StaleEpoch)) throw error;
      this.log.warn({ msg: 'another process leads the slots now' });
      await this.resign();
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.resign();
  }

  private async pass(epoch: number, look: NodeLook): Promise<void> {
    const { now, slots, database } = await this.slots.live(epoch, this.memory?.slotIds);
    const pass = { now, epoch, nodes: [NODE], looks: [look], slots, database };
    const { actions, memory, report } = reconcileSlots(pass, this.memory);
    this.memory = memory;
    this.latest = report;
    if (report.startedLearning.length > 0)
      this.log.log({ msg: 'learning the slots', because: report.startedLearning });
    await this.perform(actions, epoch);
    if (database.counterDrift !== 0) await this.recount(epoch);
  }

  private async perform(actions: SlotAction[], epoch: number): Promise<void> {
    const of = <K extends SlotAction['do']>(kind: K) =>
      actions.filter((action): action is Extract<SlotAction, { do: K }> => action.do === kind);
    await this.slots.activate(of('activate'), epoch);
    await this.slots.expire(
      of('expire').map(({ slot }) => slot),
      epoch,
    );
    for (const { slot } of of('release')) {
      if (await this.slots.releaseGone(slot, epoch)) this.log.log({ msg: 'slot freed', path: slot.path });
    }
    for (const found of [...of('adopt'), ...of('cut')]) await this.adopt(found, epoch);
  }

  /**
   * What runs without a slot was let in by the door all the same, so it gets one and counts; it may take a group over its limit,
   * which drains. (Cutting it waits for the door to take slots for every kind of publisher.)
   */
  private async adopt({ path, node, sessionId }: Found, epoch: number): Promise<void> {
    const robotId = ownerOfPath(path)?.robotId;
    const principal = robotId === undefined ? undefined : { kind: 'robot' as const, id: robotId };
    const incarnation = this.memory?.nodes.get(node)?.incarnation ?? '';
    const slotId = await this.slots.adopt({ path, principal, node, incarnation, sessionId }, epoch);
    this.log.warn({ msg: slotId ? 'stream without a slot given one' : 'stream on a path of no group', path });
  }

  private async recount(epoch: number): Promise<void> {
    const repaired = await this.slots.recount(epoch);
    this.log.error({ msg: 'quota counters differed from the slots and were repaired', repaired });
  }

  private async takeLead(): Promise<Lead | undefined> {
    if (this.lead?.held()) return this.lead;
    await this.resign();
    this.lead = await takeLead({ url: this.settings.databaseUrl, holder: HOLDER });
    return this.lead;
  }

  private async resign(): Promise<void> {
    const { lead } = this;
    this.lead = undefined;
    this.memory = undefined;
    await lead?.release();
  }
}

const lookOf = ({ node, paths, sessions }: MediaSnapshot, startedAt: number): NodeLook => ({
  node: NODE,
  incarnation: `${node.version} ${node.started}`,
  startedAt,
  sources: sourcesOf(paths, sessions),
});
