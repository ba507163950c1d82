import { Injectable } from '@nestjs/common';
import { lookup } from 'node:dns/promises';

const TIMEOUT_MS = 2_000;

/** Finds out where a host name leads to. */
@Injectable()
export class SourceResolver {
  /** Every address of a host, once; undefined when it has none, or no answer came in two seconds. */
  async addresses(host: string): Promise<string[] | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), TIMEOUT_MS);
    });
    const found = lookup(host, { all: true, verbatim: true }).then(
      (all) => (all.length === 0 ? undefined : all.map(({ address }) => address)),
      () => undefined,
    );
    return Promise.race([found, late]).finally(() => clearTimeout(timer));
  }
}
