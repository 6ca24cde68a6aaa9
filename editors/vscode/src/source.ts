import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';

/** The files that make a folder a chart or a kustomization. */
const roots = ['Chart.yaml', 'kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Returns the nearest folder above a file, up to a limit, that is a chart or a kustomization; undefined if none is. */
export function sourceOf(file: string, limit: string, exists: (name: string) => boolean = existsSync): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (roots.some((name) => exists(join(folder, name)))) {
      return folder;
    }
    if (folder === limit || folder === dirname(folder)) {
      return undefined;
    }
  }
}
