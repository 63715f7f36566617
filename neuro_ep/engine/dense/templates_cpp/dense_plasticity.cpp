{% extends 'dense_operation.cpp' %}
{% from 'dense_macros.cpp' import vector, memory, fill, keep with context %}
{% block maincode %}
    typedef {{c_data_type(scalar)}} _real;
    const int _replicas = {{replicas}};
    {% set dt = get_array_name(variables['dt']) ~ "[0]" %}
    {% if kind == 'loop' %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code['rates']|autoindent}}
    {% for state in states if not state.replicated %}
    static std::vector<_real> _sum_{{state.name}}({{_n_post}});
    {% endfor %}
    for (int _pre = 0; _pre < {{_n_pre}}; _pre++)
    {
        {% for state in states if not state.replicated %}
        std::fill(_sum_{{state.name}}.begin(), _sum_{{state.name}}.end(), 0);
        {% endfor %}
        for (int _replica = 0; _replica < _replicas; _replica++)
        {
            const int _pre_neuron = _replica * {{_n_pre}} + _pre;
            for (int _post = 0; _post < {{_n_post}}; _post++)
            {
                const int _post_neuron = _replica * {{_n_post}} + _post;
                const int _idx = _pre * {{_n_post}} + _post;
                const size_t _replicated = (size_t)_replica * {{_n_pre * _n_post}} + _idx;
                const size_t _vectorisation_idx = _idx;
                {{vector_code['rates']|autoindent}}
                {% for state in states %}
                {% if state.replicated %}
                {{get_array_name(state.array)}}[_replicated] += {{dt}} * _rate_{{state.name}};
                {% else %}
                _sum_{{state.name}}[_post] += _rate_{{state.name}};
                {% endif %}
                {% endfor %}
            }
        }
        {% for state in states if not state.replicated %}
        for (int _post = 0; _post < {{_n_post}}; _post++)
            {{get_array_name(state.array)}}[_pre * {{_n_post}} + _post] += (_real)({{dt}} / _replicas) * _sum_{{state.name}}[_post];
        {% endfor %}
    }
    {% elif kind == 'held' %}
    {{keep(kept)}}
    {% if not announced %}
    _held.follow({{get_array_name(source)}}, {{get_array_name(states[0].array)}});
    {% endif %}
    {% for term in states[0].outer %}
    {
        _real _scale;
        {
            const size_t _vectorisation_idx = -1;
            {{scalar_code[term.coefficient]|autoindent}}
            _scale = (_real)(_coefficient * {{dt}}) / _replicas;
        }
        if (_scale != 0)
        {
            _real* _pending = _held.pending;
            {{fill(term.post, "_pending", "neuro_ep::Share{0, _replicas * " ~ _n_post ~ "}", "_scale * ", "+=")}}
            _held.flags[1] = 1;
        }
    }
    {% endfor %}
    {% else %}
    {% for state in states %}
    {
        // every coefficient that is shared by all synapses; those of zero cost nothing
        _real* const _matrix = {{get_array_name(state.array)}};
        {% for group in ('outer', 'scaling', 'weighted') %}
        _real _{{group}}[{{state[group]|length + 1}}] = {0};
        {% for term in state[group] %}
        {
            const size_t _vectorisation_idx = -1;
            {{scalar_code[term.coefficient]|autoindent}}
            _{{group}}[{{loop.index0}}] = (_real)(_coefficient * {{dt}});
        }
        {% endfor %}
        {% endfor %}
        {% if state.scaling %}
        // terms in w alone: 1 + dt*(c + f(pre) + g(post)), averaged over replicas
        static std::vector<_real> _rows({{_n_pre}}), _columns({{_n_post}});
        bool _scaled = false;
        std::fill(_rows.begin(), _rows.end(), 1);
        std::fill(_columns.begin(), _columns.end(), 0);
        {% for term in state.scaling %}
        if (_scaling[{{loop.index0}}] != 0)
        {
            _scaled = true;
            {{vector(term.along, "_along", 0)}}
            std::vector<_real> &_sums = {{"_rows" if term.along.side == "pre" else "_columns"}};
            for (int _replica = 0; _replica < _replicas; _replica++)
                for (int _k = 0; _k < {{term.along.n}}; _k++)
                    _sums[_k] += _scaling[{{loop.index0}}] / _replicas * _along[_replica * {{term.along.n}} + _k];
        }
        {% endfor %}
        {% if not state.weighted %}
        if (_scaled)
            for (int _pre = 0; _pre < {{_n_pre}}; _pre++)
                for (int _post = 0; _post < {{_n_post}}; _post++)
                    _matrix[_pre * {{_n_post}} + _post] *= _rows[_pre] + _columns[_post];
        {% endif %}
        {% endif %}
        {% if state.weighted %}
        // w += c*dt * h(synapse) * f(pre)^T g(post), averaged over replicas, some rows at
        // a time: all that a weight becomes is computed from what it was
        {% for term in state.weighted if not term.alone %}
        {{vector(term.pre, "_pre_" ~ term.number, 2 * term.number)}}
        {{vector(term.post, "_post_" ~ term.number, 2 * term.number + 1)}}
        {% endfor %}
        const int _lines = std::max(1, std::min({{_n_pre}}, neuro_ep::weighted / {{_n_post}}));
        const bool _open = {% for term in state.weighted %}_weighted[{{loop.index0}}] != 0 || {% endfor %}{{"_scaled" if state.scaling else "false"}};
        for (int _first = 0; _open && _first < {{_n_pre}}; _first += _lines)
        {
            const int _count = std::min(_lines, {{_n_pre}} - _first);
            {% for term in state.weighted if not term.alone and replicas > 1 %}
            _real* const _part_{{term.number}} = neuro_ep::scratch<_real>({{2 * state.weighted|length + term.number}}, (size_t) _lines * {{_n_post}});
            if (_weighted[{{term.number}}] != 0)
                neuro_ep::product<_real>(neuro_ep::transposed, neuro_ep::plain, _count, {{_n_post}}, _replicas,
                    (_real) 1 / _replicas, _pre_{{term.number}} + _first, {{_n_pre}}, _post_{{term.number}}, {{_n_post}}, 0, _part_{{term.number}}, {{_n_post}});
            {% endfor %}
            for (int _row = 0; _row < _count; _row++)
            {
                const int _pre = _first + _row;
                #pragma omp simd
                for (int _post = 0; _post < {{_n_post}}; _post++)
                {
                    const int _idx = _pre * {{_n_post}} + _post;
                    const size_t _vectorisation_idx = _idx;
                    _real _change = 0;
                    {% for term in state.weighted %}
                    if (_weighted[{{term.number}}] != 0)
                    {
                        {{scalar_code[term.synapse]|autoindent}}
                        {{vector_code[term.synapse]|autoindent}}
                        {% if term.alone %}
                        _change += _weighted[{{term.number}}] * _factor;
                        {% elif replicas > 1 %}
                        _change += _weighted[{{term.number}}] * _factor * _part_{{term.number}}[_row * {{_n_post}} + _post];
                        {% else %}
                        _change += _weighted[{{term.number}}] * _factor * _pre_{{term.number}}[_pre] * _post_{{term.number}}[_post];
                        {% endif %}
                    }
                    {% endfor %}
                    {% if state.scaling %}
                    _matrix[_idx] = _matrix[_idx] * (_scaled ? _rows[_pre] + _columns[_post] : 1) + _change;
                    {% else %}
                    _matrix[_idx] += _change;
                    {% endif %}
                }
            }
        }
        {% endif %}
        {% if state.outer %}
        // w += c*dt * f(pre)^T g(post), averaged over replicas, some of them at a time
        {% for term in state.outer %}
        {% set computed = [term.pre, term.post]|rejectattr("array")|map(attribute="n")|list %}
        if (_outer[{{loop.index0}}] != 0)
            for (int _first = 0, _some = neuro_ep::replicas_at_a_time(_replicas, {{computed|sum}}); _first < _replicas; _first += _some)
            {
                const int _count = std::min(_some, _replicas - _first);
                {{memory(term.pre, "_pre_part", 0, "_first", "_count")}}
                {{memory(term.post, "_post_part", 1, "_first", "_count")}}
                const int _threads = neuro_ep::threads_for((double) _count * {{_n_pre}} * {{_n_post}});
                neuro_ep::together(_threads, [&](neuro_ep::Team _team) {
                    {% for side, part in (("pre", "_pre_part"), ("post", "_post_part")) if not term[side].array %}
                    {{fill(term[side], part, "_team.share(_count * " ~ term[side].n ~ ")", first="_first")}}
                    {% endfor %}
                    {% if not (term.pre.array and term.post.array) %}
                    _team.wait();
                    {% endif %}
                    neuro_ep::multiply_rows<_real>(_team, {{_n_pre}}, {{_n_post}}, _count, _outer[{{loop.index0}}] / _replicas,
                        {neuro_ep::transposed, _pre_part, {{_n_pre}}}, {neuro_ep::plain, _post_part, {{_n_post}}}, 1, _matrix);
                });
            }
        {% endfor %}
        {% endif %}
    }
    {% endfor %}
    {% endif %}
{% endblock %}
