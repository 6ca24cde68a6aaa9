import {spawn} from 'node:child_process';

/** What a run of the program printed, and its exit code. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Exit codes of the program that come with a result: 0 is clean, 1 has findings. */
const withResult = [0, 1];

/** Runs the program in a folder until it ends or the signal aborts it. */
export function run(program: string, args: readonly string[], folder: string, signal?: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {cwd: folder, windowsHide: true, ...(signal && {signal})});
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({code: code ?? -1, out: Buffer.concat(out).toString('utf8'), err: Buffer.concat(err).toString('utf8')});
    });
  });
}

/** Returns what a run printed, or throws what went wrong. */
export function resultOf(outcome: Outcome): string {
  if (withResult.includes(outcome.code) && outcome.out !== '') {
    return outcome.out;
  }
  const reason = outcome.err.trim() || outcome.out.trim();
  throw new Error(reason || `seatrial ended with exit code ${outcome.code}`);
}

/** Returns the arguments that plan a file. */
export function planArgs(file: string, nodes: string, version: string): string[] {
  const args = ['plan', '-f', file, '-o', 'html'];
  if (nodes !== '') {
    args.push('--nodes', nodes);
  }
  if (version !== '') {
    args.push('--kubernetes-version', version);
  }
  return args;
}
