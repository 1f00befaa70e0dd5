// What an application does today, unchanged: the endpoint comes from the environment (AWS_ENDPOINT_URL_DYNAMODB), as SDKs take it.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";

const TableName = "court";
const client = DynamoDBDocumentClient.from(new DynamoDBClient());

const of = { pk: "case|135-22", sk: "case|135-22" };
const { Item } = await client.send(new GetCommand({ TableName, Key: of }));
if (!Item) throw new Error(`${of.pk} was not found`);
console.log(`GetItem ${of.pk}:`, Item);

const { Items, Count } = await client.send(
  new QueryCommand({ TableName, KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": of.pk } }),
);
const entities = [...new Set(Items.map((item) => item.entityName))].sort();
console.log(`Query ${of.pk}: ${Count} items of ${entities.length} entities, from ${entities.length} tables: ${entities.join(", ")}`);
