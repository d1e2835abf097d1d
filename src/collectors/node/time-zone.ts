// Time zones as rules: the last line of a file of the zone database (RFC 9636 section 3.3), in the form of the POSIX
// variable TZ: `CET-1CEST,M3.5.0,M10.5.0/3`. Pure, except for finding the host's file.
import { dirname, resolve } from 'node:path';
import { WrongNamespace } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

/** A longer chain of links is circular. */
const MAX_LINKS = 8;

/**
 * The rule of the host's time zone, as seen from a container; empty if unset, which is UTC. Throws DeniedFile, and
 * WrongNamespace where the host's files are not mounted.
 */
export function hostZoneRule(host: Host): string {
  if (!host.exists(host.paths.rootfs)) {
    throw new WrongNamespace(`${host.root('/etc/localtime')} is not mounted; set node.mountHostRoot`);
  }
  // Links on the host point to host paths.
  let path = '/etc/localtime';
  for (let count = 0; count < MAX_LINKS; count++) {
    const target = host.link(host.root(path));
    if (target === undefined) break;
    path = resolve(dirname(path), target);
  }
  return host.readIfExists(host.root(path))?.trimEnd().split('\n').at(-1) ?? '';
}

/** A name, plain or in angle brackets, and its offset *west* of UTC; then the name of the other half of the year. */
const RULE = /^(?:<([^>]+)>|([A-Za-z]+))([+-]?\d+)(?::(\d+))?(?::\d+)?(?:<([^>]+)>|([A-Za-z]+))?/;

/** The name of the zone while it is `offset` seconds east of UTC; `UTC` or `+0530` if the rule does not name it. */
export function zoneName(rule: string, offset: number): string {
  const match = RULE.exec(rule);
  if (match) {
    const [, bracketed, plain, hours = '', minutes = '0', otherBracketed, otherPlain] = match;
    const west = (Math.abs(Number(hours)) * 60 + Number(minutes)) * (hours.startsWith('-') ? -60 : 60);
    const name = offset === -west ? (bracketed ?? plain) : (otherBracketed ?? otherPlain);
    if (name !== undefined) return name;
  }
  if (offset === 0) return 'UTC';
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 3600), (Math.abs(offset) / 60) % 60];
  const digits = (number: number) => String(number).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${digits(hours)}${minutes > 0 ? digits(minutes) : ''}`;
}

const DAY = 86_400;
const CHANGE = /^M(\d+)\.(\d)\.(\d)(?:\/([+-]?\d+)(?::(\d+))?(?::(\d+))?)?$/;
const OFFSET = /^([+-]?\d+)(?::(\d+))?(?::(\d+))?/;
const NAME = /^(?:<[^>]+>|[A-Za-z]+)/;
const TWO_O_CLOCK = 7200;

/** The offset of a zone east of UTC at `seconds` since 1970; 0 for an invalid rule. */
export function offsetByRule(rule: string, seconds: number): number {
  const [names = '', begins = '', ends = ''] = rule.split(',');
  const standard = takeOffset(names);
  if (standard === undefined) return 0;
  const rest = standard.rest;
  if (rest === '') return standard.east;
  // Without a number, the other half of the year is an hour ahead.
  const summer = takeOffset(rest)?.east ?? standard.east + 3600;
  const year = new Date((seconds + standard.east) * 1000).getUTCFullYear();
  const begin = changeAt(year, begins, standard.east);
  const end = changeAt(year, ends, summer);
  if (begin === undefined || end === undefined) return standard.east;
  const isSummer = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
  return isSummer ? summer : standard.east;
}

/** Parses a name and the offset after it, which POSIX counts to the west. */
function takeOffset(text: string): { east: number; rest: string } | undefined {
  const behind = text.replace(NAME, '');
  const match = OFFSET.exec(behind);
  if (match === null || behind === text) return undefined;
  return { east: 0 - secondsOf(match[1], match[2], match[3]), rest: behind.slice(match[0].length) };
}

/**
 * The time, in seconds since 1970, of `M3.5.0/3` in a year: month, week (5 is the last), day of the week, local time.
 */
function changeAt(year: number, change: string, east: number): number | undefined {
  const [, month, week, weekday, hours, minutes, seconds] = CHANGE.exec(change) ?? [];
  if (month === undefined) return undefined;
  const first = new Date(Date.UTC(year, Number(month) - 1, 1)).getUTCDay();
  const days = new Date(Date.UTC(year, Number(month), 0)).getUTCDate();
  let day = 1 + ((Number(weekday) - first + 7) % 7) + (Number(week) - 1) * 7;
  while (day > days) day -= 7;
  const time = hours === undefined ? TWO_O_CLOCK : secondsOf(hours, minutes, seconds);
  return Date.UTC(year, Number(month) - 1, 1) / 1000 + (day - 1) * DAY + time - east;
}

function secondsOf(hours = '0', minutes = '0', seconds = '0'): number {
  const size = Math.abs(Number(hours)) * 3600 + Number(minutes) * 60 + Number(seconds);
  return hours.startsWith('-') ? -size : size;
}
