#include "../base/unit.h"

#include "base/buf.h"
#include "expression/evaluate.h"
#include "fixture.h"

/* "true", "false", or the message of the error: as DynamoDB answers for a filter. */
static const struct row rows[] = {
    { "s = :s", "true" },
    { "s <> :n", "true" },
    { "zz <> :n", "true" },
    { "zz = :n", "false" },
    { "size(n) > :n1", "false" },
    { "size(bo) > :n1", "false" },
    { "size(l) > :n1", "true" },
    { "size(zz) > :n1", "false" },
    { "size(ss) = :n9", "false" },
    { "size(m) > :n1", "true" },
    { "size(s) > :n1", "true" },
    { "contains(n, :n)", "false" },
    { "begins_with(n, :s)", "false" },
    { "begins_with(b, :s)", "false" },
    { "n < :s", "false" },
    { "m < :s", "false" },
    { "l < l", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this operator or "
               "function; operator: <, first operand: [l]" },
    { "begins_with(s, n)", "false" },
    { "contains(l, :n1)", "true" },
    { "contains(ss, :s)", "false" },
    { "contains(ns, :n1)", "true" },
    { "attribute_type(s, s)", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                              "operator or function; operator: attribute_type, first operand: [s]" },
    { "attribute_type(s, :S)", "true" },
    { "n BETWEEN :s AND :n", "Invalid FilterExpression: The BETWEEN operator requires same data type for lower and upper bounds; "
                             "lower bound operand: AttributeValue: {S:text}, upper bound operand: AttributeValue: {N:5}" },
    { "n BETWEEN :n AND :n1",
      "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
      "bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}" },
    { "n BETWEEN n AND :n1", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                             "operator or function; operator: BETWEEN, first operand: [n]" },
    { "s IN (:s)", "true" },
    { "s IN (s)", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this operator or "
                  "function; operator: IN, first operand: [s]" },
    { "n IN (:n, :s, :m)", "true" },
    { ":s = :s", "true" },
    { ":s = :z", "false" },
    { ":m < s",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { "size(:s) > :n", "false" },
    { "size(:n) > :n",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: size, operand type: N" },
    { "size(size(s)) > :n",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: size, operand type: N" },
    { "attribute_exists(:s)",
      "Invalid FilterExpression: Operator or function requires a document path; operator or function: attribute_exists" },
    { "attribute_not_exists(s)", "false" },
    { "attribute_exists(s, n)", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or "
                                "function: attribute_exists, number of operands: 2" },
    { "attribute_exists(size(s))",
      "Invalid FilterExpression: Operator or function requires a document path; operator or function: attribute_exists" },
    { "foo(s)", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "Size(s) > :n1", "Invalid FilterExpression: Invalid function name; function: Size" },
    { "ATTRIBUTE_EXISTS(s)", "Invalid FilterExpression: Invalid function name; function: ATTRIBUTE_EXISTS" },
    { "if_not_exists(s, :s) = :s",
      "Invalid FilterExpression: The function is not allowed in a condition expression; function: if_not_exists" },
    { "size(s)", "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: size" },
    { "begins_with(s, :s) = :t",
      "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: begins_with" },
    { "begins_with(s, s)", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                           "operator or function; operator: begins_with, first operand: [s]" },
    { "begins_with(:s, :s)", "true" },
    { "contains(s, s)", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                        "operator or function; operator: contains, first operand: [s]" },
    { "contains(:s, :s)", "true" },
    { "contains(:n, :s)", "false" },
    { "contains(:ss, s)", "false" },
    { "attribute_type(s, :n)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                               "attribute_type, operand type: N" },
    { "attribute_type(s, :s)",
      "Invalid FilterExpression: Invalid attribute type name found; type: text, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}" },
    { "attribute_type(:s, :S)", "true" },
    { ":t < :t",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL" },
    { ":s < :n", "false" },
    { "s < :t",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL" },
    { "s < :nu",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: NULL" },
    { "s < :ss",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: SS" },
    { "s = :ss", "false" },
    { "s BETWEEN :t AND :t", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "BETWEEN, operand type: BOOL" },
    { "s BETWEEN :s AND :t", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "BETWEEN, operand type: BOOL" },
    { "s IN (:t)", "false" },
    { "a.b.c = :s", "false" },
    { "#a.#n = :s", "false" },
    { "zz <> yy", "true" },
    { "zz = yy", "false" },
    { "zz < yy", "false" },
    { "contains(b, :yb)", "true" },
    { "contains(b, :s)", "false" },
    { "contains(s, :es)", "true" },
    { "begins_with(b, :yb)", "false" },
    { "begins_with(s, :es)", "true" },
    { "contains(l, :m3)", "true" },
    { "l[2] = :m3", "true" },
    { "ss = :ssyx", "true" },
    { "contains(ss, :ss)", "false" },
    { "s > :b", "false" },
    { "zz IN (yy)", "false" },
    { "zz IN (yy, :n)", "false" },
    { "NOT zz = :n", "true" },
    { "NOT zz < :n", "true" },
    { "NOT zz <> :n", "false" },
    { "zz BETWEEN :n AND :n9", "false" },
    { "NOT zz BETWEEN :n AND :n9", "true" },
    { "attribute_type(zz, :S)", "false" },
    { "attribute_type(size(s), :N)", "true" },
    { "contains(zz, :s)", "false" },
    { "contains(s, zz)", "false" },
    { "contains(l, zz)", "false" },
    { "contains(zz, zy)", "false" },
    { "begins_with(zz, zy)", "false" },
    { "zz.a.b <> s", "true" },
    { "n BETWEEN :n1 AND n1", "false" },
    { "n BETWEEN s AND :n9", "false" },
    { "size(zz) <> :n", "true" },
    { "size(n) <> :n", "true" },
    { "size(n) = size(zz)", "false" },
    { "size(n) IN (size(zz))", "false" },
    { "s BETWEEN :z AND :b",
      "Invalid FilterExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
      "AttributeValue: {S:zzz}, upper bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]}" },
    { "b BETWEEN :b AND :yb", "true" },
    { "b BETWEEN :yb AND :b", "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal "
                              "to lower bound; lower bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=2 "
                              "cap=2]}, upper bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]}" },
    { "attribute_exists(m.y.z)", "true" },
    { "contains(m, :s)", "false" },
    { "contains(m, :S)", "false" },
    { "a.:n = :n",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: :n" },
    { "a.:nope = :n",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: :nope" },
    { ":n.a = :n", "Invalid FilterExpression: Syntax error; token: \".\", near: \":n.a\"" },
    { "a[:n] = :n", "Invalid FilterExpression: Syntax error; token: \":n\", near: \"[:n]\"" },
    { "a.:n.b = :nope AND name = :n", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "((s = :s)) AND", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "((s = :s)) n", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "((s = :s)", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \")\"" },
    { "((s)) AND n = :n", "Invalid FilterExpression: Syntax error; token: \"AND\", near: \") AND n\"" },
    { "((s)) =", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "((s)) = :s :s", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "((s))", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \")\"" },
    { "n = ((:n)) AND", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "n = ((:n)) :n", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "n = ((:n)", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \")\"" },
    { "((s = :s)) AND name = :s n", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "contains(((s)), :s) :s", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "((contains(s, :s))) :s", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "(((s = :s)) AND n = :n", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "s =", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"=\"" },
    { "s", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"s\"" },
    { "s = :s)", "Invalid FilterExpression: Syntax error; token: \")\", near: \":s)\"" },
    { "(s = :s", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \":s\"" },
    { "((s = :s))", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "(s = :s)", "true" },
    { "((s = :s) AND n = :n)", "true" },
    { "((s = :s AND n = :n))", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "(s) = :s", "true" },
    { "(s) = (:s)", "true" },
    { "((s)) = :s", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "s = \"x\"", "Invalid FilterExpression: Syntax error; token: \"\"\", near: \"= \"x\"" },
    { "s = 5", "Invalid FilterExpression: Syntax error; token: \"5\", near: \"= 5\"" },
    { "s = 'x'", "Invalid FilterExpression: Syntax error; token: \"'\", near: \"= 'x\"" },
    { "s = :s AND", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"AND\"" },
    { "s = :s && n = :n", "Invalid FilterExpression: Syntax error; token: \"&\", near: \":s &&\"" },
    { "s == :s", "Invalid FilterExpression: Syntax error; token: \"=\", near: \"== :s\"" },
    { "s != :s", "Invalid FilterExpression: Syntax error; token: \"!\", near: \"s !=\"" },
    { "s = :s AND AND n = :n", "Invalid FilterExpression: Syntax error; token: \"AND\", near: \"AND AND n\"" },
    { "NOT NOT s = :s", "true" },
    { "NOT (NOT s = :s)", "true" },
    { "NOT s = :s AND n = :n1", "false" },
    { "s = :s OR n = :n AND n = :n1", "true" },
    { "s = :s and n = :n", "true" },
    { "s = :s AnD nOt n = :n1", "true" },
    { "s between :s and :z", "true" },
    { "s in (:s, :z)", "true" },
    { "name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "#nope = :s",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "s = :nope",
      "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { "#nope = :nope",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "name = :nope", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { ":nope = #nope",
      "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { "foo(name) = :nope", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "m.name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "m.#nope = :s",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "l[0] = :n1", "true" },
    { "l[00] = :n1", "Invalid FilterExpression: Syntax error; token: \"0\", near: \"00]\"" },
    { "l[-1] = :n1", "Invalid FilterExpression: Syntax error; token: \"-\", near: \"[-1\"" },
    { "l[99999999999] = :n1", "Invalid FilterExpression: List index is not within the allowable range; index: [99999999999]" },
    { "l[ 0 ] = :n1", "true" },
    { "l[a] = :n1", "Invalid FilterExpression: Syntax error; token: \"a\", near: \"[a]\"" },
    { "l[0][1] = :n1", "false" },
    { "l[0].x = :n1", "false" },
    { "m . x = :n1", "true" },
    { "m.x.y = :n1", "false" },
    { "s.x = :n1", "false" },
    { "a..b = :s", "Invalid FilterExpression: Syntax error; token: \".\", near: \"..b\"" },
    { ".a = :s", "Invalid FilterExpression: Syntax error; token: \".\", near: \".a\"" },
    { "a. = :s", "Invalid FilterExpression: Syntax error; token: \"=\", near: \". = :s\"" },
    { "1a = :s", "Invalid FilterExpression: Syntax error; token: \"1\", near: \"1a\"" },
    { "_a = :s", "Invalid FilterExpression: Syntax error; token: \"_\", near: \"_a\"" },
    { "a_b = :s", "false" },
    { "a1 = :s", "false" },
    { "a-b = :s", "Invalid FilterExpression: Syntax error; token: \"-\", near: \"a-b\"" },
    { "# = :s", "Invalid FilterExpression: Syntax error; token: \"#\", near: \"# =\"" },
    { ": = :s", "Invalid FilterExpression: Syntax error; token: \":\", near: \": =\"" },
    { "s = :", "Invalid FilterExpression: Syntax error; token: \":\", near: \"= :\"" },
    { "s = #", "Invalid FilterExpression: Syntax error; token: \"#\", near: \"= #\"" },
    { "s = :s :s", "Invalid FilterExpression: Syntax error; token: \":s\", near: \":s :s\"" },
    { "s = :s n = :n", "Invalid FilterExpression: Syntax error; token: \"n\", near: \":s n =\"" },
    { "size s > :n", "Invalid FilterExpression: Syntax error; token: \"s\", near: \"size s >\"" },
    { "size(s, n) > :n", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or function: "
                         "size, number of operands: 2" },
    { "size() > :n", "Invalid FilterExpression: Syntax error; token: \")\", near: \"() >\"" },
    { "begins_with(s)", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or function: "
                        "begins_with, number of operands: 1" },
    { "begins_with s, :s", "Invalid FilterExpression: Syntax error; token: \"s\", near: \"begins_with s,\"" },
    { "contains(s, :s, :n)", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or "
                             "function: contains, number of operands: 3" },
    { "s IN ()", "Invalid FilterExpression: Syntax error; token: \")\", near: \"()\"" },
    { "s IN :s", "Invalid FilterExpression: Syntax error; token: \":s\", near: \"IN :s\"" },
    { "s IN (:s,)", "Invalid FilterExpression: Syntax error; token: \")\", near: \",)\"" },
    { "s IN (:s :n)", "Invalid FilterExpression: Syntax error; token: \":n\", near: \":s :n)\"" },
    { "s BETWEEN :s", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \":s\"" },
    { "s BETWEEN :s , :z", "Invalid FilterExpression: Syntax error; token: \",\", near: \":s , :z\"" },
    { "s BETWEEN (:s) AND :z", "true" },
    { "s = :s;", "Invalid FilterExpression: Syntax error; token: \";\", near: \":s;\"" },
    { "$ = :s", "Invalid FilterExpression: Syntax error; token: \"$\", near: \"$ =\"" },
    { "s = :s AND (n = :n OR n = :n1", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \":n1\"" },
    { "BETWEEN :s AND :z", "Invalid FilterExpression: Syntax error; token: \"BETWEEN\", near: \"BETWEEN :s\"" },
    { "AND", "Invalid FilterExpression: Syntax error; token: \"AND\", near: \"AND\"" },
    { "NOT", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"NOT\"" },
    { "()", "Invalid FilterExpression: Syntax error; token: \")\", near: \"()\"" },
    { "(s = :s)(n = :n)", "Invalid FilterExpression: Syntax error; token: \"(\", near: \")(n\"" },
    { "s < n", "false" },
    { "s = n = :n", "Invalid FilterExpression: Syntax error; token: \"=\", near: \"n = :n\"" },
    { "s = (n = :n)", "Invalid FilterExpression: Syntax error; token: \"=\", near: \"n = :n\"" },
    { "contains(l, size(s))", "false" },
    { "size(s) = size(l)", "false" },
    { "size(s) BETWEEN size(l) AND :n", "true" },
    { "n IN (size(s), :n)", "true" },
    { "s = begins_with(s, :s)",
      "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: begins_with" },
    { "attribute_exists(attribute_exists(s))",
      "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: attribute_exists" },
    { "begins_with(size(s), :s)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or "
                                  "function: begins_with, operand type: N" },
    { "begins_with(s, size(n))", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or "
                                 "function: begins_with, operand type: N" },
    { "attribute_type(size(s), :S)", "false" },
    { "contains(size(s), :S)", "false" },
    { "attribute_exists(m.x)", "true" },
    { "attribute_exists(l[0])", "true" },
    { "#a.b.#n[1] = :s", "false" },
    { "##a = :s", "Invalid FilterExpression: Syntax error; token: \"#\", near: \"##a\"" },
    { "#a#n = :s", "Invalid FilterExpression: Syntax error; token: \"#n\", near: \"#a#n =\"" },
    { "#a.b = :s AND attribute_exists(#dot)", "false" },
    { "::s = s", "Invalid FilterExpression: Syntax error; token: \":\", near: \"::s\"" },
    { "s=:s", "true" },
    { "s<>:n", "true" },
    { "s<:z", "true" },
    { "s> :z", "false" },
    { "s >= = :z", "Invalid FilterExpression: Syntax error; token: \"=\", near: \">= = :z\"" },
    { "s = :s + :n", "Invalid FilterExpression: Syntax error; token: \"+\", near: \":s + :n\"" },
    { "s = - :s", "Invalid FilterExpression: Syntax error; token: \"-\", near: \"= - :s\"" },
    { "s = a + b", "Invalid FilterExpression: Syntax error; token: \"+\", near: \"a + b\"" },
    { "(s)", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \")\"" },
    { "(s) AND n = :n", "Invalid FilterExpression: Syntax error; token: \"AND\", near: \") AND n\"" },
    { "(size(s))", "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: size" },
    { "(size(s)) > :n", "false" },
    { "(begins_with(s,:s))", "true" },
    { "((begins_with(s,:s)))", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "(begins_with(s,:s)) = :t",
      "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: begins_with" },
    { "(begins_with(s,:s) AND n=:n) = :t", "Invalid FilterExpression: Syntax error; token: \"=\", near: \") = :t\"" },
    { "(n = :n) = :n", "Invalid FilterExpression: Syntax error; token: \"=\", near: \") = :n\"" },
    { "(:s)", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \")\"" },
    { ":s", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \":s\"" },
    { "s AND n", "Invalid FilterExpression: Syntax error; token: \"AND\", near: \"s AND n\"" },
    { "(s) IN (:s)", "true" },
    { "(s) BETWEEN (:s) AND (:z)", "true" },
    { "contains((s), (:s))", "true" },
    { "((s), :s)", "Invalid FilterExpression: Syntax error; token: \",\", near: \"), :s\"" },
    { "name = :s AND", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"AND\"" },
    { "name = :nope AND foo(s) AND", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"AND\"" },
    { "#nope = :s AND foo(s)", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "s = :nope AND name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "l < l AND name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "((s=:s)) AND name = :s", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "name = :s AND ((s=:s))", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "name = :s AND foo(s)", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "foo(s) AND name = :s", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "foo(s) AND bar(s)", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "m < :m AND name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "m < :m AND s = :nope",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { "m < :m AND foo(s)", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "m < :m AND #nope = :s",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { "m < :m AND l[99999999999] = :n",
      "Invalid FilterExpression: List index is not within the allowable range; index: [99999999999]" },
    { "m < :m AND l < l",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { "l < l AND m < :m", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                          "operator or function; operator: <, first operand: [l]" },
    { "n BETWEEN :n AND :n1 AND m < :m",
      "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
      "bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}" },
    { "n BETWEEN :n AND :n1 AND name < :n",
      "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "size(s) AND name = :s",
      "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: size" },
    { "name = :s AND size(s)", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "attribute_exists(:s) AND name = :s",
      "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "attribute_exists(:s) AND m < :m",
      "Invalid FilterExpression: Operator or function requires a document path; operator or function: attribute_exists" },
    { "attribute_exists(s, n) AND m < :m", "Invalid FilterExpression: Incorrect number of operands for operator or function; "
                                           "operator or function: attribute_exists, number of operands: 2" },
    { "m < :m AND attribute_exists(s, n)",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { "attribute_exists(s,n) AND #nope = :s", "Invalid FilterExpression: Incorrect number of operands for operator or function; "
                                              "operator or function: attribute_exists, number of operands: 2" },
    { "attribute_type(s, :z) AND m < :m",
      "Invalid FilterExpression: Invalid attribute type name found; type: zzz, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}" },
    { "attribute_type(s, :z) AND n < name",
      "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "if_not_exists(s, :s) = :s AND foo(s)",
      "Invalid FilterExpression: The function is not allowed in a condition expression; function: if_not_exists" },
    { "l[99999999999] = name", "Invalid FilterExpression: List index is not within the allowable range; index: [99999999999]" },
    { "name = l[99999999999]", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "l[99999999999] = :nope", "Invalid FilterExpression: List index is not within the allowable range; index: [99999999999]" },
    { "l[99999999999] = #nope", "Invalid FilterExpression: List index is not within the allowable range; index: [99999999999]" },
    { "((m < :m))", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "((name < :m))", "Invalid FilterExpression: The expression has redundant parentheses;" },
    { "begins_with(s, :s) = :t AND name = :s",
      "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: begins_with" },
    { "s = foo(s, bar(name))", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "foo(bar(s)) = :s", "Invalid FilterExpression: Invalid function name; function: foo" },
    { "#nope = #nope2",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "name = table", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "size(name) = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "size(:m) = name", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { ":m < :nope",
      "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { ":m < name", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "n IN (:nope, name)", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "name IN (:nope, name)", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "name.#nope = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "#nope.name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "size(size(name)) > :n", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "attribute_exists(size(name))", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "attribute_exists(s, name)", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "#nope = :s AND name = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "name = :s AND #nope = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "s = :nope AND #nope = :s",
      "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { "s   =   :s    :s", "Invalid FilterExpression: Syntax error; token: \":s\", near: \":s    :s\"" },
    { "s = :s\\\\t:s", "Invalid FilterExpression: Syntax error; token: \"\\\", near: \":s\\\\\"" },
    { "m  .  x  :s", "Invalid FilterExpression: Syntax error; token: \":s\", near: \"x  :s\"" },
    { "(s = :s   AND", "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"AND\"" },
    { "name.a = :s", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "a.b. = :s", "Invalid FilterExpression: Syntax error; token: \"=\", near: \". = :s\"" },
    { "attribute_exists(s, #nope)",
      "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "attribute_exists(:s, :s)", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or "
                                  "function: attribute_exists, number of operands: 2" },
    { "attribute_exists(:m, :s)", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or "
                                  "function: attribute_exists, number of operands: 2" },
    { "attribute_type(:S, :n, :n)", "Invalid FilterExpression: Incorrect number of operands for operator or function; operator "
                                    "or function: attribute_type, number of operands: 3" },
    { "begins_with(:n, :s)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "begins_with, operand type: N" },
    { "begins_with(:m, :s)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "begins_with, operand type: M" },
    { "begins_with(:ss, :s)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                              "begins_with, operand type: SS" },
    { "begins_with(:n, :n)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "begins_with, operand type: N" },
    { "begins_with(s, :b)", "false" },
    { "begins_with(:s, :b)", "false" },
    { "begins_with(s, :e)", "true" },
    { "begins_with(s, :t)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                            "begins_with, operand type: BOOL" },
    { "contains(:m, :s)", "false" },
    { "contains(:t, :s)", "false" },
    { "contains(:nu, :s)", "false" },
    { "contains(:l, :s)", "false" },
    { "contains(:b, :s)", "false" },
    { "contains(s, :ss)", "false" },
    { "contains(s, :m)", "false" },
    { "contains(s, :l)", "false" },
    { "contains(l, :m)", "false" },
    { "contains(:s, :n)", "false" },
    { "contains(s, :t)", "false" },
    { "contains(s, :nu)", "false" },
    { "size(:t) > :n", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: size, "
                       "operand type: BOOL" },
    { "size(:nu) > :n", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: size, "
                        "operand type: NULL" },
    { "size(:m) > :n", "false" },
    { "size(:l) > :n", "false" },
    { "size(:ss) > :n", "false" },
    { "size(:b) > :n", "false" },
    { ":s < :m",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { ":m < :l",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { ":s BETWEEN :s AND :n",
      "Invalid FilterExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
      "AttributeValue: {S:text}, upper bound operand: AttributeValue: {N:5}" },
    { "s BETWEEN s AND :n", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                            "operator or function; operator: BETWEEN, first operand: [s]" },
    { "s BETWEEN :m AND :n", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "BETWEEN, operand type: M" },
    { "s BETWEEN :n AND n", "false" },
    { "s BETWEEN n AND :m", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                            "BETWEEN, operand type: M" },
    { "s BETWEEN s AND :m", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                            "BETWEEN, operand type: M" },
    { ":n BETWEEN :s AND :n",
      "Invalid FilterExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
      "AttributeValue: {S:text}, upper bound operand: AttributeValue: {N:5}" },
    { "s BETWEEN :z AND :s",
      "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
      "bound operand: AttributeValue: {S:zzz}, upper bound operand: AttributeValue: {S:text}" },
    { "s BETWEEN :b AND :b", "false" },
    { "s BETWEEN size(s) AND :s", "false" },
    { "s BETWEEN :s AND size(s)", "false" },
    { "s BETWEEN size(s) AND size(s)", "false" },
    { "s BETWEEN :n AND size(s)", "false" },
    { "size(s) BETWEEN size(s) AND :n", "true" },
    { "size(s) = size(s)", "true" },
    { "size(s) < :m",
      "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M" },
    { "size(s) < :s", "false" },
    { "size(s) IN (size(s))", "true" },
    { "s IN (:z, s)", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                      "operator or function; operator: IN, first operand: [s]" },
    { ":s IN (:s)", "true" },
    { "l = l", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this operator or "
               "function; operator: =, first operand: [l]" },
    { "l <> l", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this operator or "
                "function; operator: <>, first operand: [l]" },
    { "l.a = l.a", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this operator "
                   "or function; operator: =, first operand: [l, a]" },
    { "m.x = m.x", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this operator "
                   "or function; operator: =, first operand: [m, x]" },
    { "#a.b[3] < #a.b[3]", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                           "operator or function; operator: <, first operand: [a, b, [3]]" },
    { "s < s AND m < :m", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                          "operator or function; operator: <, first operand: [s]" },
    { ":m BETWEEN m AND m", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                            "BETWEEN, operand type: M" },
    { "contains(l, l)", "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
                        "operator or function; operator: contains, first operand: [l]" },
    { "attribute_type(s, :t)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                               "attribute_type, operand type: BOOL" },
    { "attribute_type(s, n)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                              "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}" },
    { "attribute_type(s, size(s))", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or "
                                    "function: attribute_type, operand type: N" },
    { "attribute_type(:s, :s)",
      "Invalid FilterExpression: Invalid attribute type name found; type: text, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}" },
    { "attribute_exists(:s) AND s = :nope",
      "Invalid FilterExpression: Operator or function requires a document path; operator or function: attribute_exists" },
    { "s IN (:nope, :nope2)",
      "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { "s = :t AND s = :s", "false" },
    { "s BETWEEN :n1 AND :n9", "false" },
    { "b BETWEEN :b AND :b", "true" },
    { "contains(size(s), size(n))", "false" },
    { "begins_with(:s, :m)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "begins_with, operand type: M" },
    { "begins_with(:m, :n)", "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
                             "begins_with, operand type: M" },
};

static void check(struct fixture *fixture, const struct row *row)
{
    struct err err = ERR_INIT;
    const struct expression_node *root = NULL;
    enum lf_code code = expression_parse_condition(span_from_cstr(row->expression), EXPRESSION_FILTER, &fixture->inputs,
                                                   &fixture->arena, &root, &err);
    if (code != LF_OK) {
        fixture_check_error(row, code, &err);
        return;
    }
    const char *result = condition_holds(root, &fixture->item) ? "true" : "false";
    if (strcmp(result, row->result) != 0)
        fail_msg("%s is %s, not %s", row->expression, result, row->result);
}

static void test_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < ROWS(rows); i++)
        check(&fixture, &rows[i]);
    fixture_done(&fixture);
}

/* `text` is repeated with `between` between. */
static enum lf_code parse_repeated(struct fixture *fixture, const char *prefix, const char *text, const char *between,
                                   size_t count, const char *suffix, struct err *err)
{
    struct buf buf;
    const struct expression_node *root;
    buf_init(&buf, 1024 * 1024);
    buf_put_cstr(&buf, prefix);
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(&buf, i ? between : "");
        buf_put_cstr(&buf, text);
    }
    buf_put_cstr(&buf, suffix);
    enum lf_code code =
        expression_parse_condition(buf_span(&buf), EXPRESSION_CONDITION, &fixture->inputs, &fixture->arena, &root, err);
    buf_done(&buf);
    return code;
}

static void test_limits(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    fixture_init(&fixture);
    const size_t blanks = EXPRESSION_BYTES_MAX - (sizeof "n=:n" - 1);
    assert_int_equal(parse_repeated(&fixture, "n=:n", " ", "", blanks, "", &err), LF_OK);
    assert_int_equal(parse_repeated(&fixture, "n=:n", " ", "", blanks + 1, "", &err), LF_VALIDATION);
    assert_string_equal(err.message, "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; "
                                     "expression size: 4097");
    assert_int_equal(parse_repeated(&fixture, "", "n=:n", " AND ", 150, "", &err), LF_OK); /* 150 + 149 operators */
    assert_int_equal(parse_repeated(&fixture, "NOT ", "n=:n", " AND ", 150, "", &err), LF_OK);
    assert_int_equal(parse_repeated(&fixture, "NOT NOT ", "n=:n", " AND ", 150, "", &err), LF_VALIDATION);
    assert_string_equal(err.message,
                        "Invalid ConditionExpression: The expression contains too many operators; operator count: 301");
    assert_int_equal(parse_repeated(&fixture, "n IN (", ":n", ",", 100, ")", &err), LF_OK);
    assert_int_equal(parse_repeated(&fixture, "n IN (", ":n", ",", 101, ")", &err), LF_VALIDATION);
    assert_string_equal(err.message, "Invalid ConditionExpression: The IN operator is provided with too many operands; number of "
                                     "operands: 101");
    assert_int_equal(parse_repeated(&fixture, "", "a", ".", 32, " = :n", &err), LF_OK);
    assert_int_equal(parse_repeated(&fixture, "", "a", ".", 33, " = :n", &err), LF_VALIDATION);
    assert_string_equal(err.message,
                        "Invalid ConditionExpression: The document path has too many nesting levels; nesting levels: "
                        "33");
    assert_int_equal(parse_repeated(&fixture, "", "", "", 0, "", &err), LF_VALIDATION);
    assert_string_equal(err.message, "Invalid ConditionExpression: The expression can not be empty;");
    fixture_done(&fixture);
}

/* A message quotes values whole, as long as it has room for them. */
static void test_long_values(void **state)
{
    (void)state;
    enum { LONG = 700 };
    struct fixture fixture;
    struct err err = ERR_INIT;
    const struct expression_node *root;
    char text[LONG + 1] = "", expected[ERR_MESSAGE_BYTES];
    memset(text, 'k', LONG);
    fixture_init(&fixture);
    struct value lower = fixture_value(&fixture, "{\"S\":\"\"}"), upper = fixture_value(&fixture, "{\"S\":\"a\"}");
    lower.bytes = span_of(text, LONG);
    struct expression_value values[] = { { SPAN(":k"), lower, false }, { SPAN(":a"), upper, false } };
    fixture.inputs.values = values;
    fixture.inputs.value_count = ROWS(values);
    assert_int_equal(expression_parse_condition(SPAN("s BETWEEN :k AND :a"), EXPRESSION_CONDITION, &fixture.inputs,
                                                &fixture.arena, &root, &err),
                     LF_VALIDATION);
    (void)snprintf(expected, sizeof expected,
                   "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower "
                   "bound; lower bound operand: AttributeValue: {S:%s}, upper bound operand: AttributeValue: {S:a}",
                   text);
    assert_string_equal(err.message, expected);
    fixture_done(&fixture);
}

static void check_twice(struct fixture *fixture)
{
    struct err err = ERR_INIT;
    assert_int_equal(parse_repeated(fixture, "n=:n AND ", "((n=:n", ")) AND ", 1, ")) AND", &err), LF_VALIDATION);
    assert_string_equal(err.message, "Invalid ConditionExpression: The expression has redundant parentheses;");
}

/* "NOT (NOT (… n=:n …))" with this many pairs of parentheses. */
static enum lf_code parse_negated(struct fixture *fixture, size_t depth, struct err *err)
{
    struct buf closing;
    buf_init(&closing, 1024);
    buf_put_cstr(&closing, "n=:n");
    for (size_t i = 0; i < depth; i++)
        buf_put_byte(&closing, ')');
    enum lf_code code = parse_repeated(fixture, "", "NOT (", "", depth, buf_cstr(&closing), err);
    buf_done(&closing);
    return code;
}

/* However deep the parentheses, the stack is not. */
static void test_nesting(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    fixture_init(&fixture);
    assert_int_equal(parse_repeated(&fixture, "", "(", "", 4000, "", &err), LF_VALIDATION);
    assert_int_equal(parse_repeated(&fixture, "", "size(", "", 800, "", &err), LF_VALIDATION);
    assert_int_equal(parse_repeated(&fixture, "", "NOT ", "", 1000, "", &err), LF_VALIDATION);
    assert_string_equal(err.message, "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"NOT \"");
    check_twice(&fixture);
    assert_int_equal(parse_negated(&fixture, EXPRESSION_DEPTH_MAX - 1, &err), LF_OK);
    assert_int_equal(parse_negated(&fixture, EXPRESSION_DEPTH_MAX, &err), LF_OK);
    assert_int_equal(parse_negated(&fixture, EXPRESSION_DEPTH_MAX + 1, &err), LF_VALIDATION);
    fixture_done(&fixture);
}

static void test_absent_item(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    const struct expression_node *root = NULL;
    fixture_init(&fixture);
    assert_int_equal(expression_parse_condition(SPAN("attribute_not_exists(pk)"), EXPRESSION_CONDITION, &fixture.inputs,
                                                &fixture.arena, &root, &err),
                     LF_OK);
    assert_true(condition_holds(root, NULL));
    assert_false(condition_holds(root, &fixture.item));
    assert_true(condition_holds(NULL, NULL));
    fixture_done(&fixture);
}

static void test_size_of_strings(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    const struct expression_node *root = NULL;
    fixture_init(&fixture);
    struct item item = fixture_item(&fixture, "{\"s\":{\"S\":\"\\u00e9\\ud83d\\ude00x\"}}"); /* 1 + 2 + 1 units of UTF-16 */
    assert_int_equal(
        expression_parse_condition(SPAN("size(s) = :n4"), EXPRESSION_CONDITION, &fixture.inputs, &fixture.arena, &root, &err),
        LF_OK);
    assert_true(condition_holds(root, &item));
    fixture_done(&fixture);
}

static void test_filter_keys(void **state)
{
    (void)state;
    static const struct span keys[] = { { "pk", 2 }, { "sk", 2 } };
    static const struct row key_rows[] = {
        { "a = :s AND s <> :s", "" },
        { "a = :s AND sk = :s AND pk = :s",
          "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk" },
        { "a = size(pk)", "Filter Expression can only contain non-primary key attributes: Primary key attribute: pk" },
        { "attribute_exists(pk.a)",
          "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk" },
    };
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < ROWS(key_rows); i++) {
        struct err err = ERR_INIT;
        const struct expression_node *root = NULL;
        assert_int_equal(expression_parse_condition(span_from_cstr(key_rows[i].expression), EXPRESSION_FILTER, &fixture.inputs,
                                                    &fixture.arena, &root, &err),
                         LF_OK);
        if (expression_check_filter(root, keys, ROWS(keys), &err) != LF_OK || key_rows[i].result[0])
            fixture_check_error(&key_rows[i], err.code, &err);
    }
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_limits),          cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_absent_item), cmocka_unit_test(test_size_of_strings), cmocka_unit_test(test_filter_keys),
        cmocka_unit_test(test_long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
