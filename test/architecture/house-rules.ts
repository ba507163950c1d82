import { posix } from 'node:path';
import ts from 'typescript';

/** One TypeScript file, by its path from the repository's root. */
export interface Source {
  file: string;
  text: string;
}

/** What the text of one file does not say. */
export interface Surroundings {
  /** Whether a library's name comes out of one of its rules files. */
  isPureName(lib: string, name: string): boolean;
  /** The text of another file of ours, by its path without `.ts`; undefined when there is none. */
  read(path: string): string | undefined;
}

/** Tests, and the parts that only tests use. */
const TEST_FILE = /(\.(spec|medium|contract|e2e|fault)\.ts|\/test-[\w-]+\.ts)$/;
const PURE_FILE = /\.(rules|machine)$/;

interface Import {
  from: string;
  /** Erased by the compiler. */
  typeOnly: boolean;
  /** Undefined for `import x from`, `import * as`, `require` and dynamic imports: they take everything. */
  names?: string[];
}

const parse = ({ file, text }: Source): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

/** Every import and re-export of a file; the scanner also sees `require('…')` and `import('…')`. */
export function importsOf(source: Source): Import[] {
  const declared = new Map<string, Import>();
  for (const statement of parse(source).statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    if (!statement.moduleSpecifier || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const from = statement.moduleSpecifier.text;
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : statement;
    const bindings = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : statement.exportClause;
    const elements =
      bindings && (ts.isNamedImports(bindings) || ts.isNamedExports(bindings))
        ? [...bindings.elements]
        : undefined;
    const whole = ts.isImportDeclaration(statement) && statement.importClause?.name !== undefined;
    const typeOnly =
      clause !== undefined &&
      (clause.isTypeOnly || (!whole && !!elements?.every((element) => element.isTypeOnly)));
    const names = whole
      ? undefined
      : elements?.filter((e) => !e.isTypeOnly).map((e) => (e.propertyName ?? e.name).text);
    const before = declared.get(from);
    declared.set(from, {
      from,
      typeOnly: typeOnly && (before?.typeOnly ?? true),
      names: names && (before ? before.names && [...before.names, ...names] : names),
    });
  }
  const scanned = ts.preProcessFile(source.text, true, true).importedFiles.map(({ fileName }) => fileName);
  return [...new Set(scanned)].map((from) => declared.get(from) ?? { from, typeOnly: false });
}

const ownerOf = (file: string): { kind: string; name: string } => {
  const [kind, name] = file.split('/');
  return { kind, name };
};

/** What is wrong with one import of one file, or undefined. */
function problemOf(file: string, imported: Import, around: Surroundings): string | undefined {
  const { from } = imported;
  const own = ownerOf(file);
  const relative = from.startsWith('.');
  const target = relative ? posix.normalize(posix.join(posix.dirname(file), from)) : from;
  const lib = /^@rovercast\/([\w-]+)(\/.*)?$/.exec(from);
  if (from.startsWith('/') || target.startsWith('..')) return 'leaves the repository';
  if (lib?.[2]) return 'reaches past the index of a library';
  const product = own.kind === 'apps' || own.kind === 'libs';
  const isTest = TEST_FILE.test(file);
  if (product && relative) {
    const other = ownerOf(target);
    if (other.kind === 'scripts') return isTest ? undefined : 'product code imports scripts';
    if (other.kind === 'test') return isTest ? undefined : 'product code imports tests';
    if (other.kind === 'apps' && other.name !== own.name) return 'imports another app';
    if (other.kind === 'libs' && other.name !== own.name)
      return isTest ? undefined : 'reaches past the index of a library';
  }
  if (own.kind === 'apps' && lib?.[1] === 'standin' && !isTest) return 'an app imports the stand-in';
  if (!PURE_FILE.test(file.replace(/\.ts$/, '')) || !product) return undefined;
  if (relative) {
    return imported.typeOnly || isPureFile(target, around) ? undefined : 'a rule imports what is no rule';
  }
  if (!lib) return 'a rule imports a package';
  if (lib[1] === 'contracts' || imported.typeOnly) return undefined;
  const impure = imported.names?.filter((name) => !around.isPureName(lib[1], name)) ?? ['everything'];
  return impure.length === 0 ? undefined : `a rule imports ${impure.join(', ')}, which is no rule`;
}

/** A rules file is checked itself; another sibling is as pure as a rule when it imports no more than a rule may. */
function isPureFile(path: string, around: Surroundings): boolean {
  if (PURE_FILE.test(path)) return true;
  const text = around.read(path);
  if (text === undefined) return false;
  const asRule = `${path}.rules.ts`;
  return importsOf({ file: asRule, text }).every((imported) => !problemOf(asRule, imported, around));
}

/** What else a file must not do: read the environment, or repeat something while it may still run. */
function problemsOfBody(source: Source): string[] {
  if (TEST_FILE.test(source.file) || !/^(apps|libs)\//.test(source.file)) return [];
  const problems: string[] = [];
  const mayReadEnvironment = /^apps\/[\w-]+\/src\/(main|cli)\.ts$/.test(source.file);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === 'setInterval') problems.push('uses setInterval');
    if (!mayReadEnvironment && isEnvironment(node)) problems.push('reads process.env');
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return problems;
}

function isEnvironment(node: ts.Node): boolean {
  const ofProcess = (expression?: ts.Node): boolean =>
    !!expression && ts.isIdentifier(expression) && expression.text === 'process';
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && ofProcess(node.expression);
  if (ts.isElementAccessExpression(node)) return ofProcess(node.expression);
  if (ts.isVariableDeclaration(node))
    return ts.isObjectBindingPattern(node.name) && ofProcess(node.initializer);
  if (ts.isImportDeclaration(node))
    return ts.isStringLiteral(node.moduleSpecifier) && /^(node:)?process$/.test(node.moduleSpecifier.text);
  return false;
}

/** Everything that a file does against the house rules (docs: style 2.2, design 3), as one sentence each. */
export function violationsOf(source: Source, around: Surroundings): string[] {
  const imports = importsOf(source).flatMap((imported) => {
    const problem = problemOf(source.file, imported, around);
    return problem ? [`${source.file}: ${problem} (${imported.from})`] : [];
  });
  return [...imports, ...problemsOfBody(source).map((problem) => `${source.file}: ${problem}`)];
}

/** The names that a library's index takes out of its rules files. */
export function pureNamesOf(index: Source): Set<string> {
  return new Set(
    importsOf(index)
      .filter(({ from }) => PURE_FILE.test(from))
      .flatMap(({ names }) => names ?? []),
  );
}
