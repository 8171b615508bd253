/* Sends requests at a fixed rate, whatever the answers do, and measures each from the moment it was due: a server that
 * stalls is charged for every request that would have been sent meanwhile (no coordinated omission).
 *
 * open_loop PORT RATE SECONDS CONNECTIONS REQUEST_FILE
 *
 * The first run of '@' in the file is overwritten with the number of the request. Prints one JSON object; latencies in
 * microseconds. "refused": no connection; "cut": the connection ended with a request on it; "idle": it ended without. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { SPACE = 65536, MOST = 1024 };

struct connection {
    int fd, busy;
    int64_t due;
    size_t length;
    char data[SPACE];
};

static struct connection *pool;
static int *idle, idle_first, idle_count, poller, port;
static char *request;
static size_t request_length, mark, mark_length;
static double *latency;
static long done, refused, cut, idle_closed, bad_status;

/* Connections take turns, so that none is left idle for long: how a pool behaves that spreads its requests. */
static void put_idle(int number) {
    idle[(idle_first + idle_count++) % MOST] = number;
}

static int take_idle(void) {
    int number = idle[idle_first];
    idle_first = (idle_first + 1) % MOST;
    idle_count--;
    return number;
}

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int dial(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(c->fd);
        c->fd = -1;
        return 0;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
    return 1;
}

static void hang_up(struct connection *c) {
    close(c->fd);
    c->fd = -1;
    c->length = 0;
    if (c->busy) {
        cut++;
        c->busy = 0;
        put_idle((int)(c - pool));
    } else {
        idle_closed++; /* it stays on the idle list and dials again */
    }
}

static void send_one(struct connection *c, long number, int64_t due) {
    char digits[32];
    snprintf(digits, sizeof digits, "%0*ld", (int)mark_length, number);
    if (mark_length) memcpy(request + mark, digits, mark_length);
    c->busy = 1;
    c->due = due;
    c->length = 0;
    if (c->fd < 0 && !dial(c)) {
        refused++;
        c->busy = 0;
        put_idle((int)(c - pool));
        return;
    }
    if (send(c->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) hang_up(c);
}

/* Bytes of the whole answer once its head is here, else 0. */
static size_t whole(struct connection *c) {
    c->data[c->length] = 0;
    char *end = strstr(c->data, "\r\n\r\n");
    if (!end) return 0;
    char *field = strcasestr(c->data, "\r\ncontent-length:");
    if (!field || field > end) {
        fprintf(stderr, "an answer without Content-Length\n");
        exit(1);
    }
    return (size_t)(end + 4 - c->data) + strtoul(field + 17, NULL, 10);
}

static void receive(struct connection *c) {
    for (;;) {
        ssize_t got = recv(c->fd, c->data + c->length, SPACE - 1 - c->length, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0 || !c->busy) {
            hang_up(c);
            return;
        }
        c->length += (size_t)got;
        size_t wanted = whole(c);
        if (wanted && c->length >= wanted) {
            if (strncmp(c->data + 9, "200", 3)) bad_status++;
            else latency[done++] = (double)(now() - c->due) / 1000;
            c->busy = 0;
            int closes = strcasestr(c->data, "\r\nconnection: close") != NULL;
            c->length = 0;
            put_idle((int)(c - pool));
            if (closes) {
                close(c->fd);
                c->fd = -1;
            }
            return;
        }
        if (c->length == SPACE - 1) {
            fprintf(stderr, "an answer is too long\n");
            exit(1);
        }
    }
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double at(double share) {
    return done ? latency[(long)(share * (double)(done - 1))] : 0;
}

static void read_request(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    request = malloc(SPACE);
    request_length = fread(request, 1, SPACE, file);
    fclose(file);
    char *first = memchr(request, '@', request_length);
    if (first) {
        mark = (size_t)(first - request);
        while (mark + mark_length < request_length && request[mark + mark_length] == '@') mark_length++;
    }
}

int main(int count, char **words) {
    if (count != 6) {
        fprintf(stderr, "usage: open_loop PORT RATE SECONDS CONNECTIONS REQUEST_FILE\n");
        return 2;
    }
    port = atoi(words[1]);
    double rate = atof(words[2]);
    int connections = atoi(words[4]);
    long total = (long)(rate * atof(words[3]));
    read_request(words[5]);
    if (connections < 1 || connections > MOST || total < 1 || rate <= 0) return 2;
    prctl(PR_SET_TIMERSLACK, 1);
    pool = calloc((size_t)connections, sizeof *pool);
    idle = calloc(MOST, sizeof *idle);
    latency = calloc((size_t)total, sizeof *latency);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < connections; i++) {
        if (!dial(&pool[i])) die("connect");
        put_idle(i);
    }
    int64_t period = (int64_t)(1e9 / rate), begin = now() + 10000000, end = begin + total * period + 5000000000LL;
    long sent = 0;
    struct epoll_event events[256];
    while (now() < end && (sent < total || idle_count < connections)) {
        while (sent < total && idle_count && begin + sent * period <= now()) {
            struct connection *c = &pool[take_idle()];
            send_one(c, sent, begin + sent * period);
            sent++;
        }
        int64_t wait = sent < total && idle_count ? begin + sent * period - now() : 5000000;
        struct timespec timeout = {.tv_sec = 0, .tv_nsec = wait < 0 ? 0 : wait > 999999999 ? 999999999 : wait};
        int ready = epoll_pwait2(poller, events, 256, &timeout, NULL);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd >= 0) receive(c);
        }
    }
    qsort(latency, (size_t)done, sizeof *latency, by_value);
    printf("{\"due\": %ld, \"done\": %ld, \"refused\": %ld, \"cut\": %ld, \"idle_closed\": %ld, \"bad_status\": %ld, "
           "\"unanswered\": %ld, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n",
           total, done, refused, cut, idle_closed, bad_status, total - done - refused - cut - bad_status,
           at(0.50), at(0.99), at(1));
    return 0;
}
