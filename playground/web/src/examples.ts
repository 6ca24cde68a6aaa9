import asPrinted from '../../../testdata/chapter/nginx-deployment-as-printed.yaml';
import shop from '../../../examples/shop.yaml';
import upgrade from '../../../examples/upgrade.yaml';
import web from '../../../examples/web.yaml';

/** Texts to begin with. */
export const examples: {name: string; text: string}[] = [
  {name: 'Fields at the wrong level', text: asPrinted.replace(/ *#.*$/gm, '')},
  {name: 'A web server', text: web},
  {name: 'A small shop', text: shop},
  {name: 'Removed API versions', text: upgrade},
  {name: 'An empty file', text: ''},
];
