/** The syntax tree of `@huggingface/jinja`, whose types the package does not export. */
export type Node = Statement | Expression;

export type Statement =
  | { readonly type: "Program"; readonly body: readonly Node[] }
  | {
      readonly type: "If";
      readonly test: Expression;
      readonly body: readonly Node[];
      readonly alternate: readonly Node[];
    }
  | ForNode
  | { readonly type: "Break" | "Continue" | "Comment" }
  | {
      readonly type: "Set";
      readonly assignee: Expression;
      readonly value: Expression | null;
      readonly body: readonly Node[];
    }
  | {
      readonly type: "Macro";
      readonly name: IdentifierNode;
      readonly args: readonly Parameter[];
      readonly body: readonly Node[];
    }
  | { readonly type: "FilterStatement"; readonly filter: FilterName; readonly body: readonly Node[] }
  | {
      readonly type: "CallStatement";
      readonly call: CallNode;
      readonly callerArgs: readonly Parameter[] | null;
      readonly body: readonly Node[];
    };

export interface ForNode {
  readonly type: "For";
  readonly loopvar: Expression;
  readonly iterable: Expression;
  readonly body: readonly Node[];
  readonly defaultBlock: readonly Node[];
}

export interface IdentifierNode {
  readonly type: "Identifier";
  readonly value: string;
}

export interface CallNode {
  readonly type: "CallExpression";
  readonly callee: Expression;
  readonly args: readonly Expression[];
}

export interface BinaryNode {
  readonly type: "BinaryExpression";
  readonly operator: { readonly value: string };
  readonly left: Expression;
  readonly right: Expression;
}

export interface MemberNode {
  readonly type: "MemberExpression";
  readonly object: Expression;
  readonly property: Expression;
  readonly computed: boolean;
}

interface KeywordNode {
  readonly type: "KeywordArgumentExpression";
  readonly key: IdentifierNode;
  readonly value: Expression;
}

export type FilterName = IdentifierNode | CallNode;
export type Parameter = IdentifierNode | KeywordNode;

export type Expression =
  | IdentifierNode
  | CallNode
  | BinaryNode
  | MemberNode
  | KeywordNode
  | { readonly type: "IntegerLiteral" | "FloatLiteral"; readonly value: number }
  | { readonly type: "StringLiteral"; readonly value: string }
  | { readonly type: "ArrayLiteral" | "TupleLiteral"; readonly value: readonly Expression[] }
  | { readonly type: "ObjectLiteral"; readonly value: ReadonlyMap<Expression, Expression> }
  | { readonly type: "FilterExpression"; readonly operand: Expression; readonly filter: FilterName }
  | { readonly type: "SelectExpression"; readonly lhs: Expression; readonly test: Expression }
  | {
      readonly type: "TestExpression";
      readonly operand: Expression;
      readonly negate: boolean;
      readonly test: IdentifierNode;
    }
  | {
      readonly type: "UnaryExpression";
      readonly operator: { readonly value: string };
      readonly argument: Expression;
    }
  | {
      readonly type: "SliceExpression";
      readonly start?: Expression | undefined;
      readonly stop?: Expression | undefined;
      readonly step?: Expression | undefined;
    }
  | { readonly type: "SpreadExpression" | "KeywordSpreadExpression"; readonly argument: Expression }
  | {
      readonly type: "Ternary";
      readonly condition: Expression;
      readonly trueExpr: Expression;
      readonly falseExpr: Expression;
    };
