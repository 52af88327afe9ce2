import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx_pb.js";

/** Short ways to say the parts of an ONNX graph. */

const utf8 = new TextEncoder();

export function node(
  opType: string,
  input: string[],
  output: string,
  attribute: AttributeProto[] = [],
  domain = "",
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    input,
    output: [output],
    name: output,
    attribute,
    domain,
  });
}

export function intAttribute(name: string, value: number): AttributeProto {
  return create(AttributeProtoSchema, { name, i: BigInt(value), type: AttributeType.INT });
}

export function intsAttribute(name: string, values: Iterable<number>): AttributeProto {
  const ints = Array.from(values, BigInt);
  return create(AttributeProtoSchema, { name, ints, type: AttributeType.INTS });
}

export function floatsAttribute(name: string, values: Iterable<number>): AttributeProto {
  return create(AttributeProtoSchema, { name, floats: [...values], type: AttributeType.FLOATS });
}

export function stringAttribute(name: string, value: string): AttributeProto {
  return create(AttributeProtoSchema, { name, s: utf8.encode(value), type: AttributeType.STRING });
}

export function stringsAttribute(name: string, values: Iterable<string>): AttributeProto {
  const strings = Array.from(values, (value) => utf8.encode(value));
  return create(AttributeProtoSchema, { name, strings, type: AttributeType.STRINGS });
}

export function floatTensor(name: string, dims: number[], values: Iterable<number>): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: DataType.FLOAT,
    floatData: [...values],
  });
}

export function intTensor(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: DataType.INT64,
    int64Data: values.map(BigInt),
  });
}

/** A float32 matrix of any number of rows. */
export function matrixInfo(name: string, columns: number): ValueInfoProto {
  const dim = [
    { value: { case: "dimParam" as const, value: "rows" } },
    { value: { case: "dimValue" as const, value: BigInt(columns) } },
  ];
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: DataType.FLOAT, shape: { dim } } } },
  });
}
