import type { Hub } from '../hub/hub';
import { type HoldReaders, type PathConfig, type PathConfigs, patternName } from '../hub/path-config';
import { pathNameProblem } from '../hub/path-name.rules';
import { parseDurationMs } from './duration.rules';
import { listRoute, nameRoute, orBadRequest } from './list.routes';
import { checkConf, effectiveConf, parseConfBody, type SparseConf } from './path-conf.rules';
import { type ApiCall, ApiError, OK, type Route } from './routes';

const CATCH_ALL = 'all_others';

/** The path configurations: what was started with and what the API added. Nothing outlives the process. */
export class ConfigRoutes {
  private readonly own = new Map<string, SparseConf>();

  constructor(
    private readonly hub: Hub,
    private readonly configs: PathConfigs,
    private readonly hold: HoldReaders | undefined,
  ) {}

  routes(): Route[] {
    const at = (verb: string): Pick<Route, 'path' | 'param'> => ({
      path: `/v3/config/paths/${verb}`,
      param: 'name',
    });
    const shown = (name: string): object => effectiveConf(name, this.all().get(name) ?? {});
    const find = (name: string): string | undefined => (this.all().has(name) ? name : undefined);
    return [
      { method: 'GET', path: '/v3/config/pathdefaults/get', run: () => effectiveConf('', {}) },
      listRoute({ path: '/v3/config/paths', all: () => [...this.all().keys()].sort(), item: shown }),
      nameRoute('/v3/config/paths', find, shown, 'path configuration not found'),
      { method: 'POST', ...at('add'), run: (call) => this.add(call) },
      { method: 'PATCH', ...at('patch'), run: (call) => this.patch(call) },
      { method: 'POST', ...at('replace'), run: (call) => this.replace(call) },
      { method: 'DELETE', ...at('delete'), run: (call) => this.delete(call) },
    ];
  }

  private all(): Map<string, SparseConf> {
    const all = new Map<string, SparseConf>([[CATCH_ALL, {}]]);
    if (this.hold) {
      const { match, startTimeoutMs } = this.hold;
      const runOnDemand = 'sleep infinity';
      all.set(patternName(match), { runOnDemand, runOnDemandStartTimeout: `${startTimeoutMs}ms` });
    }
    for (const [name, conf] of this.own) all.set(name, conf);
    return all;
  }

  private add(call: ApiCall): object {
    const { name, conf } = this.read(call);
    if (this.all().has(name)) throw new ApiError(400, 'path already exists');
    return this.apply(name, conf);
  }

  private patch(call: ApiCall): object {
    const { name, conf } = this.read(call);
    const old = this.own.get(name);
    if (!old) throw new ApiError(404, 'path not found');
    return this.apply(name, { ...old, ...conf });
  }

  private replace(call: ApiCall): object {
    const { name, conf } = this.read(call);
    return this.apply(name, conf);
  }

  private delete({ param }: ApiCall): object {
    if (param === '') throw new ApiError(400, 'invalid name');
    if (!this.own.delete(param)) throw new ApiError(404, 'path not found');
    this.configs.remove(param);
    this.hub.reconfigure();
    return OK;
  }

  private read({ param, body }: ApiCall): { name: string; conf: SparseConf } {
    if (param === '') throw new ApiError(400, 'invalid name');
    return { name: param, conf: orBadRequest(() => parseConfBody(body.toString('utf8'))) };
  }

  private apply(name: string, conf: SparseConf): object {
    const problem = name.startsWith('~') ? undefined : pathNameProblem(name);
    if (problem) throw new ApiError(400, `invalid path name '${name}': ${problem}`);
    orBadRequest(() => checkConf(name, conf));
    orBadRequest(() => this.configs.set(actingPart(name, effectiveConf(name, conf))));
    this.own.set(name, conf);
    this.hub.reconfigure();
    return OK;
  }
}

function actingPart(name: string, full: Record<string, unknown>): PathConfig {
  const text = (key: string): string => String(full[key]);
  const ms = (key: string): number => (text(key) === '' ? 0 : parseDurationMs(text(key)));
  const pulls = full.source !== 'publisher';
  return {
    name,
    source: text('source'),
    sourceOnDemand: full.sourceOnDemand === true,
    startTimeoutMs: ms(pulls ? 'sourceOnDemandStartTimeout' : 'runOnDemandStartTimeout'),
    closeAfterMs: ms('sourceOnDemandCloseAfter'),
    holdsReaders: text('runOnDemand') !== '',
  };
}
