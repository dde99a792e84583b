// SPDX-License-Identifier: MIT
// Loggers whose records a test can look at.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Testing;

internal sealed class RecordingLoggers : ILoggerFactory
{
    public ConcurrentQueue<LogEntry> Entries { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Recorder(Entries, categoryName);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Recorder(ConcurrentQueue<LogEntry> entries, string category) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel < LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            Dictionary<string, object?> values = [];
            if (state is IEnumerable<KeyValuePair<string, object?>> pairs)
            {
                foreach ((string key, object? value) in pairs)
                    values[key] = value;
            }
            string text = formatter(state, exception);
            entries.Enqueue(new LogEntry(logLevel, category, text, values, exception));
        }
    }
}
