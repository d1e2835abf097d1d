// Loaded into an agent with --import: its wall clock differs from the machine's by what the file CLOCK_OFFSET_FILE says,
// in milliseconds. Timers go on as they do when a real clock is set.
import { readFileSync } from 'node:fs';

const MachineDate = Date;
let offset = 0;

setInterval(() => {
  offset = Number(readFileSync(process.env.CLOCK_OFFSET_FILE, 'utf8'));
}, 20).unref();

globalThis.Date = class extends MachineDate {
  constructor(...parts) {
    if (parts.length === 0) super(MachineDate.now() + offset);
    else super(...parts);
  }

  static now() {
    return MachineDate.now() + offset;
  }
};
