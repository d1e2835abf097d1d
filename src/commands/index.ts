import { checkConfig } from './check-config.ts';
import { collect } from './collect.ts';
import type { Command } from './command.ts';
import { completionOf } from './completion.ts';
import { diff } from './diff.ts';
import { importBlackbox } from './import.ts';
import { receive } from './receive.ts';
import { render } from './render.ts';
import { run } from './run.ts';
import { tasks } from './tasks.ts';
import { version } from './version.ts';

const WORKING: readonly Command[] = [run, collect, checkConfig, diff, importBlackbox, receive, render, tasks, version];

/** All commands; the first is run when none is named. */
export const COMMANDS: readonly Command[] = [...WORKING, completionOf(WORKING)];
