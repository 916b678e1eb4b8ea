import {
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
  visit,
} from 'graphql';
import { maxPageSize } from '../media/library.ts';

/** What a query may ask for at most; generous for an application, tight for somebody who wants to hurt. */
export const queryLimits = {
  /** Tokens of a document. GraphiQL's introspection has about 400. */
  tokens: 2000,
  /** Levels of fields below the operation. The schema needs 4. */
  depth: 10,
  /** Aliases of a document: a page of uploads, or some links of several lives. */
  aliases: 50,
  /** Directives of a document. */
  directives: 50,
  /** Fields to resolve, those of a list counted once for each item it may have. A page of 100 with every field has about 2500. */
  cost: 20_000,
};

/**
 * Bounds depth, aliases, directives and cost of a document, before it runs and once per text (Apollo Server keeps what passed). Cost takes
 * `first` as written, and its maximum when it is a variable. Introspection counts for aliases only: graphql-js bounds its depth itself.
 */
export function boundedQuery(context: ValidationContext): ASTVisitor {
  return {
    Document: (document) => {
      const { aliases, directives } = count(document);
      const measure = new Measure(document);
      report('aliases', aliases, queryLimits.aliases);
      report('directives', directives, queryLimits.directives);
      for (const operation of document.definitions) {
        if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
        const size = measure.of(operation.selectionSet);
        report('levels of fields', size.depth, queryLimits.depth);
        report('fields to resolve, those of lists counted for each item', size.cost, queryLimits.cost);
      }
    },
  };

  function report(what: string, found: number, limit: number): void {
    if (found > limit) context.reportError(new GraphQLError(`The query has ${found} ${what}; at most ${limit} are allowed.`));
  }
}

/** Refuses an operation of a kind that the schema has none of; executed, it would pass for a fault of ours. */
export function offeredKinds(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: (node) => {
      if (context.getSchema().getRootType(node.operation)) return;
      context.reportError(new GraphQLError(`There are no operations of the kind \`${node.operation}\` here.`, { nodes: node }));
    },
  };
}

/** Refuses an operation that uses one file variable twice: a file is read once, and the second use would fail after the first was stored. */
export function filesUsedOnce(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: (operation) => {
      const used = new Set<string>();
      for (const { node, type } of context.getRecursiveVariableUsages(operation)) {
        if (type === undefined || type === null || !/^Upload!?$/.test(String(type))) continue;
        const { value } = node.name;
        if (used.has(value))
          context.reportError(
            new GraphQLError(`The file $${value} can be used once: declare a variable for each use.`, { nodes: node }),
          );
        used.add(value);
      }
    },
  };
}

interface Size {
  readonly depth: number;
  readonly cost: number;
}

/** Measures selections; every fragment once, however often it is spread, so that nested spreads cannot make it slow. */
class Measure {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #known = new Map<string, Size>();

  constructor(document: DocumentNode) {
    const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
    this.#fragments = new Map(fragments.map((node) => [node.name.value, node]));
  }

  of(set: SelectionSetNode): Size {
    const sizes = set.selections.map((selection) => this.#ofSelection(selection));
    return { depth: Math.max(...sizes.map(({ depth }) => depth)), cost: sizes.reduce((sum, { cost }) => sum + cost, 0) };
  }

  #ofSelection(selection: SelectionNode): Size {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return this.#ofFragment(selection.name.value);
    if (selection.kind === Kind.INLINE_FRAGMENT) return this.of(selection.selectionSet);
    if (selection.name.value.startsWith('__') || selection.selectionSet === undefined) return { depth: 1, cost: 1 };
    const inner = this.of(selection.selectionSet);
    return { depth: inner.depth + 1, cost: 1 + inner.cost * itemsOf(selection) };
  }

  #ofFragment(name: string): Size {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // A fragment that spreads itself is another rule's business; it must only not turn us in circles.
    this.#known.set(name, { depth: 0, cost: 0 });
    const fragment = this.#fragments.get(name);
    const size = fragment === undefined ? { depth: 0, cost: 0 } : this.of(fragment.selectionSet);
    this.#known.set(name, size);
    return size;
  }
}

/** How many items a field may have: 1 unless it is a page. */
function itemsOf(field: FieldNode): number {
  if (field.name.value !== 'myMedia') return 1;
  const first = field.arguments?.find(({ name }) => name.value === 'first')?.value;
  if (first === undefined) return defaultItems;
  return first.kind === Kind.INT ? Math.min(Math.max(Number(first.value), 1), maxPageSize) : maxPageSize;
}

const defaultItems = 20;

function count(document: DocumentNode): { aliases: number; directives: number } {
  let aliases = 0;
  let directives = 0;
  visit(document, {
    Field: ({ alias }) => {
      if (alias !== undefined) aliases += 1;
    },
    Directive: () => {
      directives += 1;
    },
  });
  return { aliases, directives };
}
