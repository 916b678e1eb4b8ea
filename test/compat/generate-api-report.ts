import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/*
 * npm run generate:api-report: src/client/api-report.md, every declaration that the package's exports for clients make public, so that a change of
 * it shows in a commit. Documents made by codegen are listed by name only: schema.graphql and the operations say what they are.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const entries = { './client': 'index', './client/apollo': 'apollo', './client/urql': 'urql' };

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const sources = ts.createProgram(
  Object.values(entries).map((name) => join(root, `src/client/${name}.ts`)),
  { ...options, declaration: true, emitDeclarationOnly: true, noEmit: false, incremental: false },
);

/** The declarations that tsc would emit, by their path; those of packages are not among them. */
const declarations = new Map<string, string>();
sources.emit(undefined, (path, text) => declarations.set(path.replace('/dist/', '/'), text));
/** As a page's project has it, which knows nothing of Node. */
const elsewhere = {
  ...options,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: [],
  skipLibCheck: false,
};
const host = ts.createCompilerHost(elsewhere);
const program = ts.createProgram([...declarations.keys()], elsewhere, {
  ...host,
  fileExists: (path) => declarations.has(path) || (!isReplaced(path) && host.fileExists(path)),
  readFile: (path) => declarations.get(path) ?? host.readFile(path),
  getSourceFile: (path, version) => {
    const text = declarations.get(path);
    return text === undefined ? host.getSourceFile(path, version) : ts.createSourceFile(path, text, version, true);
  },
});
for (const path of declarations.keys()) {
  const [problem] = program.getSemanticDiagnostics(program.getSourceFile(path));
  if (problem !== undefined) throw new Error(`${path}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`);
}
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

/** A source whose declarations are there. */
function isReplaced(path: string): boolean {
  return declarations.has(path.replace(/\.ts$/, '.d.ts'));
}

function reportOf(entry: string): string {
  const file = program.getSourceFile(join(root, `src/client/${entry}.d.ts`));
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${entry} is no module`);
  const all = checker.getExportsOfModule(module).map((symbol) => resolved(symbol));
  const isGenerated = (symbol: ts.Symbol): boolean => pathOf(symbol).endsWith('generated.d.ts');
  const written = all.filter((symbol) => !isGenerated(symbol));
  const generated = all.filter(isGenerated).map(({ name }) => `\`${name}\``);
  const code = written.toSorted(byName).map(textOf).join('\n\n');
  const list = generated.length === 0 ? '' : `\nOut of the schema and the operations: ${generated.toSorted().join(', ')}.\n`;
  return `\`\`\`ts\n${code}\n\`\`\`\n${list}`;
}

function resolved(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function pathOf(symbol: ts.Symbol): string {
  return relative(root, symbol.declarations?.[0]?.getSourceFile().fileName ?? '');
}

function byName(one: ts.Symbol, other: ts.Symbol): number {
  return one.name < other.name ? -1 : 1;
}

function textOf({ declarations: nodes = [] }: ts.Symbol): string {
  return nodes.map((node) => printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())).join('\n');
}

const sections = Object.entries(entries).map(([name, entry]) => `## ${name}\n\n${reportOf(entry)}`);
const head = '# The public interface for clients\n\nMade by `npm run generate:api-report`. Do not edit.\n\n';
await writeFile(join(root, 'src/client/api-report.md'), head + sections.join('\n'));
