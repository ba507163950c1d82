export { connectMqtt, mqttOptions, type MqttConnection, type MqttOptions } from './connection';
export { DomainErrorFilter } from './domain-error.filter';
export { OrderRequester } from './order-requester';
export { publish } from './publish';
export { RobotMqttStrategy, type RobotMessage } from './robot-mqtt.strategy';
export { SparseWarnings } from './sparse-warnings';
