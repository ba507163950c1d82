import { Injectable } from '@nestjs/common';
import type { MediaSnapshot } from '@rovercast/mediamtx';
import { AdmissionsStore } from '../revocations/admissions.store';
import { CutLog } from '../revocations/cut-log';
import { ViewsRepository } from './views.repository';
import { followViews, type OpenView } from './views.rules';

/** One media server until there are more (issue E). */
const NODE = 'main';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Keeps the log of who watches what. */
@Injectable()
export class ViewsService {
  /** As the table has them; undefined when that is not known. */
  private open?: OpenView[];

  constructor(
    private readonly views: ViewsRepository,
    private readonly admissions: AdmissionsStore,
    private readonly cuts: CutLog,
  ) {}

  async takeIn({ node, sessions, takenAt }: MediaSnapshot): Promise<void> {
    const before = this.open ?? (await this.views.open(NODE));
    this.open = undefined;
    const identified = sessions.filter(({ id }) => UUID.test(id));
    const { actions, after } = followViews(before, {
      sessions: identified,
      admissions: await this.admissions.of(identified),
      cuts: this.cuts,
      nodeStartedAt: Date.parse(node.started),
      now: takenAt.getTime(),
    });
    if (actions.length > 0) await this.views.write(NODE, actions);
    this.open = after;
  }
}
