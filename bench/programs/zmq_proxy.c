/* SPDX-License-Identifier: MIT */
/*
 * The same chain through ZeroMQ: a publisher, a proxy of XSUB and XPUB, and a subscriber, each a
 * process. A message is a topic of 16 bytes (what a service is here) and the text behind it.
 * Nothing is dropped: who finds a queue full waits.
 *
 *   zmq_proxy FOLDER BYTES MESSAGES [HIGH_WATER_MARK]
 */
#include "measure.h"

#include <signal.h>
#include <zmq.h>

#define TOPIC "92D627A36C624C5B"
#define TOPIC_BYTES (sizeof(TOPIC) - 1)
#define ENDPOINT_BYTES 200

typedef struct chain {
    char publishers[ENDPOINT_BYTES];  /* where the proxy hears them */
    char subscribers[ENDPOINT_BYTES]; /* and where it serves these */
    size_t message_bytes;
    uint64_t message_count;
    int high_water_mark;
} chain;

static void set_option(void *socket, int option, int value)
{
    must(zmq_setsockopt(socket, option, &value, sizeof(value)) == 0, "zmq_setsockopt");
}

static void *make_socket(const chain *of, void *context, int type)
{
    void *socket = zmq_socket(context, type);

    must(socket != NULL, "zmq_socket");
    set_option(socket, ZMQ_SNDHWM, of->high_water_mark);
    set_option(socket, ZMQ_RCVHWM, of->high_water_mark);
    if (type == ZMQ_XPUB)
        set_option(socket, ZMQ_XPUB_NODROP, 1);
    return socket;
}

static void serve(void *argument)
{
    const chain *of = argument;
    void *context = zmq_ctx_new();
    void *in = make_socket(of, context, ZMQ_XSUB);
    void *out = make_socket(of, context, ZMQ_XPUB);

    must(zmq_bind(in, of->publishers) == 0 && zmq_bind(out, of->subscribers) == 0, "zmq_bind");
    zmq_proxy(in, out, NULL);
}

/* Begins when the subscription has come through. */
static void publish(void *argument)
{
    const chain *of = argument;
    void *context = zmq_ctx_new();
    void *socket = make_socket(of, context, ZMQ_XPUB);
    uint8_t *message = malloc(of->message_bytes);
    char subscription[1 + TOPIC_BYTES];

    must(message && of->message_bytes >= TOPIC_BYTES, "BYTES");
    memset(message, 'x', of->message_bytes);
    memcpy(message, TOPIC, TOPIC_BYTES);
    must(zmq_connect(socket, of->publishers) == 0, "zmq_connect");
    must(zmq_recv(socket, subscription, sizeof(subscription), 0) >= 0, "zmq_recv");
    for (uint64_t i = 0; i < of->message_count; i++)
        must(zmq_send(socket, message, of->message_bytes, 0) >= 0, "zmq_send");
    free(message);
    zmq_close(socket);
    zmq_ctx_term(context);
}

static uint64_t subscribe(const chain *of)
{
    void *context = zmq_ctx_new();
    void *socket = make_socket(of, context, ZMQ_SUB);
    uint64_t begin_ns = 0;
    uint64_t end_ns;
    zmq_msg_t message;

    must(zmq_connect(socket, of->subscribers) == 0, "zmq_connect");
    must(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, TOPIC, TOPIC_BYTES) == 0, "ZMQ_SUBSCRIBE");
    zmq_msg_init(&message);
    for (uint64_t i = 0; i < of->message_count; i++) {
        must(zmq_msg_recv(&message, socket, 0) >= 0, "zmq_msg_recv");
        must(zmq_msg_size(&message) == of->message_bytes, "a message of another size");
        if (i == 0)
            begin_ns = umh_clock_now_ns();
    }
    end_ns = umh_clock_now_ns();
    zmq_msg_close(&message);
    zmq_close(socket);
    zmq_ctx_term(context);
    return end_ns - begin_ns;
}

int main(int argc, char **argv)
{
    chain made = {.message_bytes = TOPIC_BYTES + number_argument(argc, argv, 2, 128),
                  .message_count = number_argument(argc, argv, 3, 1000000),
                  .high_water_mark = (int)number_argument(argc, argv, 4, 10000)};
    uint64_t begin_cpu_ns = cpu_ns();
    uint64_t ns;
    pid_t proxy;

    must(argc > 1, "FOLDER");
    snprintf(made.publishers, sizeof(made.publishers), "ipc://%s/publishers", argv[1]);
    snprintf(made.subscribers, sizeof(made.subscribers), "ipc://%s/subscribers", argv[1]);
    proxy = start_part(serve, &made);
    start_part(publish, &made);
    ns = subscribe(&made);
    kill(proxy, SIGKILL);
    while (wait(NULL) > 0)
        continue;
    printf("{\"messages\": %llu, \"ns\": %llu, \"cpu_ns\": %llu}\n",
           (unsigned long long)made.message_count, (unsigned long long)ns,
           (unsigned long long)(cpu_ns() - begin_cpu_ns));
    return 0;
}
