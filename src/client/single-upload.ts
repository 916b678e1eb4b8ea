import {
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import type { MediaKind } from './generated.ts';
import type { Description } from './upload-options.ts';

type Variables = Readonly<Record<string, unknown>>;

/** A mutation that is nothing but one `uploadImage` or `uploadVideo`. */
export interface SingleUpload {
  readonly kind: MediaKind;
  readonly file: Blob;
  readonly description: Description;
  /** The same mutation, which asks also for the asset's id, as {@link idName}. */
  readonly withId: DocumentNode;
  /** Selects from `completeUpload($id)`, under the same name in the answer, what the mutation selects. The variable {@link idName} is to be added. */
  readonly completion: { readonly document: DocumentNode; readonly variables: Variables };
}

/** The name of what is added to mutations; no client's own is like it. */
export const idName = 'mediakeepUploadId';

const uploads: Readonly<Record<string, { readonly kind: MediaKind; readonly type: string }>> = {
  uploadImage: { kind: 'IMAGE', type: 'ImageAsset' },
  uploadVideo: { kind: 'VIDEO', type: 'VideoAsset' },
};

/** Reads a mutation as a single upload; undefined when it is anything else. */
export function singleUpload({
  document,
  variables,
}: {
  document: DocumentNode;
  variables: Variables;
}): SingleUpload | undefined {
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  const [field, ...others] = operation?.selectionSet.selections ?? [];
  if (operation === undefined || operations.length > 1 || field?.kind !== Kind.FIELD || others.length > 0) return undefined;
  const upload = uploads[field.name.value];
  const { file, title, altText, tags } = argumentsOf(field, operation, variables);
  if (upload === undefined || field.directives?.length || !field.selectionSet || !(file instanceof Blob)) return undefined;
  return {
    kind: upload.kind,
    file,
    // As the schema has them; what is none of it the server refuses.
    description: { title, altText, tags } as Description,
    withId: withField(document, operation, { ...field, selectionSet: plus(field.selectionSet, fieldOf('id', idName)) }),
    completion: completionOf(document, operation, { field, type: upload.type, variables }),
  };
}

function argumentsOf(field: FieldNode, operation: OperationDefinitionNode, variables: Variables): Record<string, unknown> {
  const defaults = Object.fromEntries(
    (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );
  const given = { ...defaults, ...variables };
  return Object.fromEntries((field.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value, given)]));
}

interface Original {
  readonly field: FieldNode & { readonly selectionSet?: SelectionSetNode };
  /** What the mutation's field returns: only of this type may all of its fields be asked for. */
  readonly type: string;
  readonly variables: Variables;
}

function completionOf(document: DocumentNode, operation: OperationDefinitionNode, { field, type, variables }: Original) {
  const completed = withField(document, operation, {
    kind: Kind.FIELD,
    alias: field.alias ?? field.name,
    name: nameOf('completeUpload'),
    arguments: [{ kind: Kind.ARGUMENT, name: nameOf('id'), value: { kind: Kind.VARIABLE, name: nameOf(idName) } }],
    selectionSet: {
      kind: Kind.SELECTION_SET,
      selections: [
        {
          kind: Kind.INLINE_FRAGMENT,
          typeCondition: { kind: Kind.NAMED_TYPE, name: nameOf(type) },
          selectionSet: field.selectionSet ?? { kind: Kind.SELECTION_SET, selections: [] },
        },
      ],
    },
  });
  const used = variablesUsedIn(completed);
  const definitions = (operation.variableDefinitions ?? []).filter(({ variable }) => used.has(variable.name.value));
  return {
    document: withVariables(completed, [idDefinition, ...definitions]),
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => used.has(name))),
  };
}

function withField(document: DocumentNode, operation: OperationDefinitionNode, field: FieldNode): DocumentNode {
  const changed = { ...operation, selectionSet: { ...operation.selectionSet, selections: [field] } };
  return { ...document, definitions: document.definitions.map((each) => (each === operation ? changed : each)) };
}

function withVariables(document: DocumentNode, variableDefinitions: readonly VariableDefinitionNode[]): DocumentNode {
  const definitions = document.definitions.map((each) =>
    each.kind === Kind.OPERATION_DEFINITION ? { ...each, variableDefinitions } : each,
  );
  return { ...document, definitions };
}

/** Variables that stand anywhere but where they are defined. */
function variablesUsedIn(document: DocumentNode): ReadonlySet<string> {
  const used = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void used.add(name.value),
  });
  return used;
}

function plus(selectionSet: SelectionSetNode, field: FieldNode): SelectionSetNode {
  return { ...selectionSet, selections: [...selectionSet.selections, field] };
}

function fieldOf(name: string, alias: string): FieldNode {
  return { kind: Kind.FIELD, name: nameOf(name), alias: nameOf(alias) };
}

function nameOf(value: string) {
  return { kind: Kind.NAME, value } as const;
}

const idDefinition: VariableDefinitionNode = {
  kind: Kind.VARIABLE_DEFINITION,
  variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: idName } },
  type: { kind: Kind.NON_NULL_TYPE, type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'ID' } } },
};
