// The questions that MediaMTX v1.20.1 asks (internal/auth/manager.go:192-231: ten keys, always all of them).
import { randomUUID } from 'node:crypto';
import { passwordOf, robotName, USERS, userName } from './system.mjs';

const TICKET_LIFE_MS = 3_600_000;
const pathOf = (index) => `robots/${robotName(index)}`;

function question(given, expected) {
  const body = {
    ip: '127.0.0.1',
    user: '',
    password: '',
    token: given.password ?? '', // since v1.18.0 the token repeats the password
    action: 'read',
    path: '',
    protocol: 'rtsp',
    id: randomUUID(),
    query: '',
    userAgent: 'Lavf60.16.100',
    ...given,
  };
  return { body: JSON.stringify(body), expected };
}

const many = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** A ticket as FFmpeg or VLC show it: in the query, from which MediaMTX takes `token`. */
export function byTicket(system, action, count = 500) {
  return many(count, (index) => {
    const expiresAt = Date.now() + TICKET_LIFE_MS;
    const path = pathOf(index);
    const token = system.tokens.signTicket({ subject: 'bench0', action, path, expiresAt });
    return question({ action, path, token, query: `token=${token}` }, [204]);
  });
}

export function byKey(system, count = 500) {
  return many(count, (index) => {
    const { id, key } = system.robots[index];
    return question({ action: 'publish', path: pathOf(index), user: id, password: key }, [204]);
  });
}

/** A handful of people whose passwords have been seen within the minute. */
export function byPassword(action, count = 500) {
  return many(count, (index) => {
    const user = index % (USERS / 2);
    return question({ action, path: pathOf(index), user: userName(user), password: passwordOf(user) }, [204]);
  });
}

/** No two alike; every other user name exists. Refused by verdict, by the deadline or because too many wait: 401 always. */
export function wrongPasswords(count) {
  return many(count, (index) => {
    const user = index % 2 === 0 ? userName(index % USERS) : `nobody${index}`;
    return question({ path: pathOf(0), user, password: `wrong ${randomUUID()}` }, [401]);
  });
}

/** One robot after a restart of the media server, and a viewer who comes back: RTSP asks without credentials first. */
export function reconnects(system) {
  const keys = byKey(system, system.robots.length);
  const tickets = byTicket(system, 'read', system.robots.length);
  return many(system.robots.length, (index) => [
    question({ action: 'publish', path: pathOf(index) }, [401]),
    keys[index],
    tickets[index],
  ]);
}

/** The same questions, as the bare handler answers them. */
export const forBare = (questions) => questions.map(({ body }) => ({ body, expected: [204] }));
